//! A column of the fact tables: one configuration for which the C kernel was built, as a profile of ours.

use std::path::PathBuf;
use std::{env, fs};

use linchpin_abi::{Flavour, Isa, Profile};
use serde_json::{Map, Value};

/// One configuration.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) isa: Isa,
    pub(crate) flavour: Flavour,
    pub(crate) profile: Profile,
    pub(crate) symbols: Map<String, Value>,
}

/// The folder of the fact tables, or `None` with a line that says so.
pub(crate) fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/abi/tables");
    let folder = env::var_os("LINCHPIN_FACTS").map_or_else(|| beside.into(), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: no fact tables beside the checkout (LINCHPIN_FACTS can name another folder)"
    );
    None
}

/// One of the tables.
pub(crate) fn table(name: &str) -> Option<Value> {
    let path = folder()?.join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
}

/// The MCS configurations of `config.json`.
pub(crate) fn columns() -> Option<Vec<Column>> {
    let config = table("config.json")?;
    let names = config["configurations"].as_object().unwrap().iter();
    let mcs = names.filter(|(name, _)| !name.contains("classic"));
    let columns: Vec<Column> = mcs
        .map(|(name, build)| {
            let isa = isa_named(build["sel4_arch"].as_str().unwrap());
            let symbols = config["kernel_gen_config"].as_object().unwrap().iter();
            let symbols =
                symbols.filter_map(|(symbol, v)| Some((symbol.clone(), at(v, name, isa)?.clone())));
            Column::new(name, isa, symbols.collect())
        })
        .collect();
    assert!(
        columns.len() >= 20,
        "config.json has {} MCS configurations",
        columns.len()
    );
    Some(columns)
}

/// The three images of the public suite.
pub(crate) fn suite() -> Option<Vec<(Column, Value)>> {
    let suite = table("suite_config.json")?;
    let images = Isa::ALL.map(|isa| {
        let image = &suite[isa.name()];
        let symbols = image["kernel"].as_object().unwrap().clone();
        (
            Column::new(&format!("suite {}", isa.name()), isa, symbols),
            image["labels"].clone(),
        )
    });
    Some(images.into())
}

/// The value of a table entry in one MCS configuration, by the tables' notation.
pub(crate) fn at<'a>(value: &'a Value, column: &str, isa: Isa) -> Option<&'a Value> {
    match value {
        Value::Object(map) => {
            let branch = ["all", isa.name(), "mcs"]
                .into_iter()
                .find_map(|key| map.get(key));
            at(branch?, column, isa)
        }
        Value::Array(list) => {
            let holds = |entry: &&Value| {
                entry["configs"]
                    .as_array()
                    .is_some_and(|c| c.iter().any(|c| c == column))
            };
            Some(&list.iter().find(holds)?["value"])
        }
        plain => Some(plain),
    }
}

fn isa_named(name: &str) -> Isa {
    *Isa::ALL
        .iter()
        .find(|isa| isa.name() == name)
        .unwrap_or_else(|| panic!("unknown ISA {name}"))
}

impl Column {
    fn new(name: &str, isa: Isa, symbols: Map<String, Value>) -> Self {
        let flavour = match (
            truth(&symbols, "DEBUG_BUILD"),
            truth(&symbols, "ENABLE_BENCHMARKS"),
        ) {
            (true, _) => Flavour::Debug,
            (false, true) => Flavour::Benchmark,
            (false, false) => Flavour::Release,
        };
        assert_eq!(truth(&symbols, "PRINTING"), flavour.printing(), "{name}");
        let profile = profile_of(&symbols);
        Self {
            name: name.into(),
            isa,
            flavour,
            profile,
            symbols,
        }
    }

    /// The value of a table entry here.
    pub(crate) fn value<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        at(value, &self.name, self.isa)
    }

    /// Whether a configuration symbol is set here.
    pub(crate) fn set(&self, symbol: &str) -> bool {
        truth(&self.symbols, symbol)
    }

    /// Whether a condition in the tables' notation holds here: `always`, `defined(A)`, `(defined(A) && defined(B))`.
    pub(crate) fn holds(&self, condition: &str) -> bool {
        if condition.starts_with("always") {
            return !condition.contains("classic");
        }
        condition.split("&&").all(|part| {
            let symbol = part.trim().trim_matches(|c| "()".contains(c));
            let symbol = symbol
                .strip_prefix("defined(")
                .unwrap_or_else(|| panic!("condition {condition}"));
            self.set(symbol.trim_end_matches(')'))
        })
    }
}

fn truth(symbols: &Map<String, Value>, symbol: &str) -> bool {
    symbols.get(symbol) == Some(&Value::Bool(true))
}

/// The profile that a configuration's symbols describe; symbols that an ISA does not have are false or 0.
fn profile_of(symbols: &Map<String, Value>) -> Profile {
    let number = |symbol: &str| -> u64 {
        let text = symbols.get(symbol).map_or("0", |value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("{symbol}: {value}"))
        });
        text.parse().unwrap_or_else(|_| panic!("{symbol} = {text}"))
    };
    let count = |symbol: &str| usize::try_from(number(symbol)).unwrap();
    let set = |symbol: &str| truth(symbols, symbol);
    Profile {
        name: "column",
        root_cnode_size_bits: count("ROOT_CNODE_SIZE_BITS"),
        num_domains: count("NUM_DOMAINS"),
        num_domain_schedules: count("NUM_DOMAIN_SCHEDULES"),
        num_priorities: count("NUM_PRIORITIES"),
        num_nodes: count("MAX_NUM_NODES"),
        max_untyped_caps: count("MAX_NUM_BOOTINFO_UNTYPED_CAPS"),
        boot_thread_time_slice_ms: number("BOOT_THREAD_TIME_SLICE"),
        kernel_wcet_scale: number("KERNEL_WCET_SCALE"),
        static_max_period_us: number("KERNEL_STATIC_MAX_PERIOD_US"),
        retype_fan_out_limit: count("RETYPE_FAN_OUT_LIMIT"),
        max_work_units: count("MAX_NUM_WORK_UNITS_PER_PREEMPTION"),
        reset_chunk_bits: count("RESET_CHUNK_BITS"),
        track_utilisation: set("BENCHMARK_TRACK_UTILISATION"),
        hardware_debug_api: set("HARDWARE_DEBUG_API"),
        set_tls_base_self: set("SET_TLS_BASE_SELF"),
        timer_frequency_hz: number("TIMER_FREQUENCY"),
        huge_page: set("HUGE_PAGE"),
        iommu: set("IOMMU"),
        vtx: set("VTX"),
        vtx_64bit_guests: set("X86_64_VTX_64BIT_GUESTS"),
        xsave_size: count("XSAVE_SIZE"),
        xsave_feature_set: number("XSAVE_FEATURE_SET"),
        fsgsbase: set("FSGSBASE_INST"),
        dangerous_msr: set("KERNEL_X86_DANGEROUS_MSR"),
        export_pmc_user: set("EXPORT_PMC_USER"),
        arm_hypervisor: set("ARM_HYPERVISOR_SUPPORT"),
        arm_smmu: set("ARM_SMMU"),
        arm_pa_size_bits: match (set("ARM_PA_SIZE_BITS_40"), set("ARM_PA_SIZE_BITS_44")) {
            (true, _) => 40,
            (_, true) => 44,
            _ => 0,
        },
        allow_smc_calls: set("ALLOW_SMC_CALLS"),
        export_pmu_user: set("EXPORT_PMU_USER"),
        export_pcnt_user: set("EXPORT_PCNT_USER"),
        export_vcnt_user: set("EXPORT_VCNT_USER"),
        export_ptmr_user: set("EXPORT_PTMR_USER"),
        export_vtmr_user: set("EXPORT_VTMR_USER"),
    }
}
