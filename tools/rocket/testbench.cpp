// The machine around a simulated Rocket core (LitexFullConfig): memory behind a bus with a latency
// that can be chosen, a serial line, and a way to end. It counts nothing: programs read the core's
// own cycle counter.
//
//   testbench LATENCY MAX_CYCLES FILE@HEX...
//
// Loads the files at their addresses and lets the core run from the start of its memory, until the
// exit device is written, a line of output begins with "exit:", or MAX_CYCLES are over.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "VExampleRocketSystem.h"
#include "verilated.h"

namespace {

constexpr uint64_t MEMORY = 0x80000000;
constexpr uint64_t MEMORY_BYTES = 256 << 20;
/// Devices answer after so many cycles.
constexpr uint64_t DEVICE_LATENCY = 4;
/// Where the core begins; afterwards the same address is the serial line.
constexpr uint64_t RESET = 0x10000000;
constexpr uint64_t RESET_CYCLES = 40;
constexpr uint64_t RESET_CODE_CYCLES = 2000;
constexpr uint64_t SERIAL = RESET;
/// Line status, as the doubleword at SERIAL shows it: it can take a byte, and is empty.
constexpr uint64_t SERIAL_READY = 0x60ull << 40;
constexpr uint64_t EXIT = 0x10002000;

/// What is behind a bus.
struct Target {
  virtual ~Target() = default;
  virtual uint64_t read(uint64_t address) = 0;
  virtual void write(uint64_t address, uint64_t data, unsigned strobes) = 0;
};

struct Memory : Target {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(MEMORY_BYTES);

  uint64_t read(uint64_t address) override {
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) word = word << 8 | at((address & ~7ull) + i);
    return word;
  }

  void write(uint64_t address, uint64_t data, unsigned strobes) override {
    for (int i = 0; i < 8; i++) {
      if (strobes >> i & 1) at((address & ~7ull) + i) = data >> (8 * i);
    }
  }

  uint8_t &at(uint64_t address) { return bytes[(address - MEMORY) % MEMORY_BYTES]; }
};

struct Devices : Target {
  const uint64_t &cycle;
  bool ended = false;
  std::string line;

  explicit Devices(const uint64_t &cycle) : cycle(cycle) {}

  uint64_t read(uint64_t address) override {
    // csrr a0, mhartid; li a1, 1; slli a1, a1, 31; jr a1
    static constexpr uint64_t CODE[] = {0x05fe4585f1402573, 0x8582};
    if (cycle < RESET_CODE_CYCLES) {
      uint64_t word = (address - RESET) / 8;
      return word < std::size(CODE) ? CODE[word] : 0;
    }
    return (address & ~7ull) == SERIAL ? SERIAL_READY : 0;
  }

  void write(uint64_t address, uint64_t data, unsigned strobes) override {
    address &= ~7ull;
    if (address == SERIAL && strobes & 1) put(data & 0xff);
    if (address == EXIT) ended = true;
  }

  void put(char byte) {
    std::putchar(byte);
    if (byte != '\n') {
      line += byte;
      return;
    }
    std::fflush(stdout);
    ended = ended || line.rfind("exit:", 0) == 0;
    line.clear();
  }
};

/// The core's side of a bus.
struct Port {
  CData &ar_valid, &ar_ready, &ar_len, &ar_size, &ar_id;
  IData &ar_address;
  CData &r_valid, &r_ready, &r_id, &r_last, &r_response;
  QData &r_data;
  CData &aw_valid, &aw_ready, &aw_len, &aw_size, &aw_id;
  IData &aw_address;
  CData &w_valid, &w_ready, &w_strobes, &w_last;
  QData &w_data;
  CData &b_valid, &b_ready, &b_id, &b_response;
};

#define PORT(top, p)                                                                            \
  Port {                                                                                        \
    top.p##_ar_valid, top.p##_ar_ready, top.p##_ar_bits_len, top.p##_ar_bits_size,              \
        top.p##_ar_bits_id, top.p##_ar_bits_addr, top.p##_r_valid, top.p##_r_ready,             \
        top.p##_r_bits_id, top.p##_r_bits_last, top.p##_r_bits_resp, top.p##_r_bits_data,       \
        top.p##_aw_valid, top.p##_aw_ready, top.p##_aw_bits_len, top.p##_aw_bits_size,          \
        top.p##_aw_bits_id, top.p##_aw_bits_addr, top.p##_w_valid, top.p##_w_ready,             \
        top.p##_w_bits_strb, top.p##_w_bits_last, top.p##_w_bits_data, top.p##_b_valid,         \
        top.p##_b_ready, top.p##_b_bits_id, top.p##_b_bits_resp                                 \
  }

/// Answers a bus, in order.
class Bus {
  struct Burst {
    uint64_t due, address;
    unsigned last_beat, step, id, beat;
  };
  struct Done {
    uint64_t due;
    unsigned id;
  };

  Port port;
  Target &target;
  uint64_t latency;
  std::deque<Burst> reads, writes;
  std::deque<Done> done;
  // What was agreed in this cycle, before the clock's edge.
  bool read_asked, read_taken, write_asked, write_given, done_taken, write_ends;
  Burst read, write;
  uint64_t data;
  unsigned strobes;

public:
  Bus(Port port, Target &target, uint64_t latency)
      : port(port), target(target), latency(latency) {}

  void drive(uint64_t cycle) {
    port.ar_ready = port.aw_ready = 1;
    port.w_ready = !writes.empty();
    port.r_valid = !reads.empty() && reads.front().due <= cycle;
    if (port.r_valid) {
      const Burst &burst = reads.front();
      port.r_id = burst.id;
      port.r_data = target.read(burst.address);
      port.r_response = 0;
      port.r_last = burst.beat == burst.last_beat;
    }
    port.b_valid = !done.empty() && done.front().due <= cycle;
    if (port.b_valid) {
      port.b_id = done.front().id;
      port.b_response = 0;
    }
  }

  void sample(uint64_t cycle) {
    read_asked = port.ar_valid && port.ar_ready;
    read = {cycle + latency, port.ar_address, port.ar_len, 1u << port.ar_size, port.ar_id, 0};
    write_asked = port.aw_valid && port.aw_ready;
    write = {cycle, port.aw_address, port.aw_len, 1u << port.aw_size, port.aw_id, 0};
    write_given = port.w_valid && port.w_ready;
    data = port.w_data;
    strobes = port.w_strobes;
    write_ends = port.w_last;
    read_taken = port.r_valid && port.r_ready;
    done_taken = port.b_valid && port.b_ready;
  }

  void advance(uint64_t cycle) {
    if (read_taken) {
      Burst &burst = reads.front();
      burst.address += burst.step;
      if (++burst.beat > burst.last_beat) reads.pop_front();
    }
    if (done_taken) done.pop_front();
    if (read_asked) reads.push_back(read);
    if (write_given) {
      Burst &burst = writes.front();
      target.write(burst.address, data, strobes);
      burst.address += burst.step;
      if (write_ends) {
        done.push_back({cycle + latency / 2, burst.id});
        writes.pop_front();
      }
    }
    if (write_asked) writes.push_back(write);
  }
};

bool load(Memory &memory, const std::string &word) {
  size_t at = word.rfind('@');
  if (at == std::string::npos) return false;
  std::ifstream file(word.substr(0, at), std::ios::binary);
  uint64_t address = std::strtoull(word.c_str() + at + 1, nullptr, 16);
  for (std::istreambuf_iterator<char> byte(file), end; byte != end; ++byte) {
    memory.at(address++) = *byte;
  }
  return bool(file);
}

} // namespace

int main(int count, char **words) {
  if (count < 4) {
    std::fprintf(stderr, "usage: testbench LATENCY MAX_CYCLES FILE@HEX...\n");
    return 2;
  }
  uint64_t latency = std::strtoull(words[1], nullptr, 10);
  uint64_t most = std::strtoull(words[2], nullptr, 10);
  uint64_t cycle = 0;
  Memory memory;
  Devices devices(cycle);
  for (int i = 3; i < count; i++) {
    if (!load(memory, words[i])) {
      std::fprintf(stderr, "cannot load %s\n", words[i]);
      return 2;
    }
  }
  VerilatedContext context;
  VExampleRocketSystem core(&context);
  core.reset = core.debug_reset = core.debug_clockeddmi_dmiReset = 1;
  core.debug_clockeddmi_dmi_resp_ready = core.debug_dmactiveAck = 1;
  core.l2_frontend_bus_axi4_0_b_ready = core.l2_frontend_bus_axi4_0_r_ready = 1;
  Bus buses[] = {{PORT(core, mem_axi4_0), memory, latency},
                 {PORT(core, mmio_axi4_0), devices, DEVICE_LATENCY}};
  for (; cycle < most && !devices.ended; cycle++) {
    if (cycle == RESET_CYCLES) {
      core.reset = core.debug_reset = core.debug_clockeddmi_dmiReset = 0;
    }
    for (Bus &bus : buses) bus.drive(cycle);
    core.clock = core.debug_clock = core.debug_clockeddmi_dmiClock = 0;
    core.eval();
    for (Bus &bus : buses) bus.sample(cycle);
    core.clock = core.debug_clock = core.debug_clockeddmi_dmiClock = 1;
    core.eval();
    for (Bus &bus : buses) bus.advance(cycle);
    context.timeInc(1);
  }
  std::printf("\ntestbench: %s after %lu cycles\n", devices.ended ? "ended" : "stopped",
              static_cast<unsigned long>(cycle));
  return devices.ended ? 0 : 1;
}
