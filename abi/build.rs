//! Reads `profiles.toml` and writes the profiles as Rust constants.
//!
//! The generated file holds every profile for every ISA and flavour (tools and tests want them all), and names the one
//! that this build is for: `LINCHPIN_PROFILE`, `LINCHPIN_ISA`, `LINCHPIN_FLAVOUR`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use toml::{Table, Value};

const FILE: &str = "profiles.toml";
const ISAS: [(&str, &str); 3] = [
    ("x86_64", "X86_64"),
    ("aarch64", "AArch64"),
    ("riscv64", "RiscV64"),
];
const FLAVOURS: [(&str, &str); 3] = [
    ("debug", "Debug"),
    ("release", "Release"),
    ("benchmark", "Benchmark"),
];

/// What a key may hold: a truth value, or a number in a range.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Int(i64, i64),
}
use Kind::{Bool, Int};

/// The keys: name, what it may hold, and the only ISA on which it may differ from false or 0.
const KEYS: [(&str, Kind, Option<&str>); 34] = [
    ("root_cnode_size_bits", Int(8, 24), None),
    ("num_domains", Int(1, 256), None),
    ("num_domain_schedules", Int(2, 65536), None),
    ("num_priorities", Int(1, 256), None),
    ("num_nodes", Int(1, 64), None),
    // 244 entries fill the one page that BootInfo has.
    ("max_untyped_caps", Int(1, 244), None),
    ("boot_thread_time_slice_ms", Int(1, 1 << 20), None),
    ("kernel_wcet_scale", Int(1, 1 << 10), None),
    ("static_max_period_us", Int(0, i64::MAX), None),
    ("retype_fan_out_limit", Int(1, 1 << 20), None),
    ("max_work_units", Int(1, 1 << 20), None),
    ("reset_chunk_bits", Int(6, 12), None),
    ("track_utilisation", Bool, None),
    ("hardware_debug_api", Bool, None),
    ("set_tls_base_self", Bool, None),
    ("timer_frequency_hz", Int(0, 1 << 40), None),
    ("huge_page", Bool, Some("x86_64")),
    ("iommu", Bool, Some("x86_64")),
    ("vtx", Bool, Some("x86_64")),
    ("vtx_64bit_guests", Bool, Some("x86_64")),
    ("xsave_size", Int(0, 2048), Some("x86_64")),
    ("xsave_feature_set", Int(0, i64::MAX), Some("x86_64")),
    ("fsgsbase", Bool, Some("x86_64")),
    ("dangerous_msr", Bool, Some("x86_64")),
    ("export_pmc_user", Bool, Some("x86_64")),
    ("arm_hypervisor", Bool, Some("aarch64")),
    ("arm_smmu", Bool, Some("aarch64")),
    ("arm_pa_size_bits", Int(0, 44), Some("aarch64")),
    ("allow_smc_calls", Bool, Some("aarch64")),
    ("export_pmu_user", Bool, Some("aarch64")),
    ("export_pcnt_user", Bool, Some("aarch64")),
    ("export_vcnt_user", Bool, Some("aarch64")),
    ("export_ptmr_user", Bool, Some("aarch64")),
    ("export_vtmr_user", Bool, Some("aarch64")),
];

type Settings = BTreeMap<&'static str, Value>;

fn main() {
    for name in ["LINCHPIN_ISA", "LINCHPIN_PROFILE", "LINCHPIN_FLAVOUR"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed={FILE}");
    println!("cargo::rerun-if-changed=build.rs");
    match generate() {
        Ok(text) => {
            let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
            fs::write(Path::new(&out).join("profiles.rs"), text).expect("OUT_DIR can be written");
        }
        Err(why) => {
            for line in why.lines() {
                println!("cargo::error={line}");
            }
        }
    }
}

fn generate() -> Result<String, String> {
    let text = fs::read_to_string(FILE).map_err(|e| format!("{FILE}: {e}"))?;
    let file: Table = text.parse().map_err(|e| format!("{FILE}: {e}"))?;
    let isa = chosen("LINCHPIN_ISA", default_isa(), &ISAS)?;
    let flavour = chosen("LINCHPIN_FLAVOUR", "debug".into(), &FLAVOURS)?;
    let wanted = env::var("LINCHPIN_PROFILE").unwrap_or_else(|_| "default".into());
    if !file.contains_key(&wanted) {
        return Err(format!(
            "LINCHPIN_PROFILE={wanted}: {FILE} has no such profile; it has: {}",
            names(file.keys())
        ));
    }

    let mut all = String::new();
    let mut profile = String::new();
    for name in file.keys() {
        for (isa_name, isa_variant) in ISAS {
            for (flavour_name, flavour_variant) in FLAVOURS {
                let settings = settings(&file, name, isa_name, flavour_name)?;
                let literal = literal(name, &settings);
                if (name, isa_variant, flavour_variant) == (&wanted, isa, flavour) {
                    profile.clone_from(&literal);
                }
                writeln!(
                    all,
                    "    (Isa::{isa_variant}, Flavour::{flavour_variant}, {literal}),"
                )
                .expect("a String grows");
            }
        }
    }
    let count = file.len() * ISAS.len() * FLAVOURS.len();
    Ok(format!(
        "/// The ISA of this build.\npub const ISA: Isa = Isa::{isa};\n\
         /// The flavour of this build.\npub const FLAVOUR: Flavour = Flavour::{flavour};\n\
         /// The profile of this build, for its ISA and flavour.\npub const PROFILE: Profile = {profile};\n\
         static ALL: [(Isa, Flavour, Profile); {count}] = [\n{all}];\n"
    ))
}

/// The ISA of the target on bare metal; a host builds the x86_64 ABI unless told otherwise.
fn default_isa() -> String {
    let bare = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none");
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if bare { arch } else { "x86_64".into() }
}

/// The Rust name of the choice that the variable makes.
fn chosen(
    variable: &str,
    default: String,
    choices: &[(&str, &'static str)],
) -> Result<&'static str, String> {
    let value = env::var(variable).unwrap_or(default);
    choices
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, rust)| *rust)
        .ok_or_else(|| {
            format!(
                "{variable}={value}: no such choice; there are: {}",
                names(choices.iter().map(|(name, _)| *name))
            )
        })
}

/// All values of one profile for one ISA and flavour, checked.
fn settings(file: &Table, name: &str, isa: &str, flavour: &str) -> Result<Settings, String> {
    let mut settings = Settings::new();
    let mut lineage = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next {
        if lineage.contains(&name) {
            return Err(format!("{FILE}: [{name}] is based on itself"));
        }
        let table = file.get(&name).and_then(Value::as_table).ok_or_else(|| {
            format!(
                "{FILE}: based_on = \"{name}\": no such profile; there are: {}",
                names(file.keys())
            )
        })?;
        next = table
            .get("based_on")
            .map(|base| base.as_str().unwrap_or("?").to_owned());
        lineage.push(name);
    }
    for name in lineage.iter().rev() {
        layer_profile(
            file[name].as_table().expect("checked above"),
            name,
            isa,
            flavour,
            &mut settings,
        )?;
    }
    for (key, kind, only_on) in KEYS {
        let value = settings
            .get(key)
            .ok_or_else(|| format!("{FILE}: profile `{name}` has no value for `{key}`"))?;
        check(name, key, kind, value)?;
        if only_on.is_some_and(|only| only != isa) && *value != neutral(kind) {
            return Err(format!(
                "{FILE}: profile `{name}` sets `{key}` for {isa}, but it only exists on {}; set it in [{name}.{}]",
                only_on.unwrap_or_default(),
                only_on.unwrap_or_default()
            ));
        }
    }
    check_together(name, isa, &settings)?;
    Ok(settings)
}

/// Adds the layers of one profile that apply to this ISA and flavour.
fn layer_profile(
    table: &Table,
    name: &str,
    isa: &str,
    flavour: &str,
    settings: &mut Settings,
) -> Result<(), String> {
    let layers = layer_names();
    for (key, value) in table {
        if value.is_table() && !layers.contains(key) {
            return Err(format!(
                "{FILE}: [{name}.{key}]: no such layer; there are: {}",
                names(&layers)
            ));
        }
    }
    layer(table, name, settings)?;
    for suffix in [
        isa.to_owned(),
        flavour.to_owned(),
        format!("{isa}-{flavour}"),
    ] {
        if let Some(overrides) = table.get(&suffix).and_then(Value::as_table) {
            layer(overrides, &format!("{name}.{suffix}"), settings)?;
        }
    }
    Ok(())
}

fn layer(table: &Table, name: &str, settings: &mut Settings) -> Result<(), String> {
    for (key, value) in table
        .iter()
        .filter(|(key, value)| !value.is_table() && *key != "based_on")
    {
        let (known, ..) = KEYS
            .into_iter()
            .find(|(known, ..)| known == key)
            .ok_or_else(|| {
                format!(
                    "{FILE}: [{name}]: no such key `{key}`; the keys are: {}",
                    names(KEYS.map(|(known, ..)| known))
                )
            })?;
        settings.insert(known, value.clone());
    }
    Ok(())
}

fn check(name: &str, key: &str, kind: Kind, value: &Value) -> Result<(), String> {
    let wanted = match (kind, value) {
        (Bool, Value::Boolean(_)) => return Ok(()),
        (Int(min, max), Value::Integer(n)) if (min..=max).contains(n) => return Ok(()),
        (Bool, _) => "true or false".to_owned(),
        (Int(min, max), _) => format!("a number from {min} to {max}"),
    };
    Err(format!(
        "{FILE}: profile `{name}`: `{key}` is {value}; it must be {wanted}"
    ))
}

/// Rules that tie keys to each other.
fn check_together(name: &str, isa: &str, settings: &Settings) -> Result<(), String> {
    let set = |key: &str| settings[key] == Value::Boolean(true);
    let rule = if set("vtx_64bit_guests") && !set("vtx") {
        "`vtx_64bit_guests` needs `vtx`"
    } else if set("hardware_debug_api") && isa == "riscv64" {
        "`hardware_debug_api` does not exist on riscv64"
    } else if isa == "aarch64" && !matches!(settings["arm_pa_size_bits"], Value::Integer(40 | 44)) {
        "`arm_pa_size_bits` must be 40 or 44"
    } else if isa == "x86_64" && settings["xsave_size"].as_integer() < Some(512) {
        "`xsave_size` must be at least 512"
    } else {
        return Ok(());
    };
    Err(format!("{FILE}: profile `{name}` for {isa}: {rule}"))
}

fn literal(name: &str, settings: &Settings) -> String {
    let mut text = format!("Profile {{ name: {name:?}");
    for (key, value) in settings {
        write!(text, ", {key}: {value}").expect("a String grows");
    }
    text + " }"
}

fn neutral(kind: Kind) -> Value {
    match kind {
        Bool => Value::Boolean(false),
        Int(..) => Value::Integer(0),
    }
}

fn layer_names() -> Vec<String> {
    let plain = ISAS
        .iter()
        .chain(&FLAVOURS)
        .map(|(name, _)| (*name).to_owned());
    let both = ISAS.iter().flat_map(|(isa, _)| {
        FLAVOURS
            .iter()
            .map(move |(flavour, _)| format!("{isa}-{flavour}"))
    });
    plain.chain(both).collect()
}

fn names(list: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    list.into_iter()
        .map(|name| name.as_ref().to_owned())
        .collect::<Vec<_>>()
        .join(", ")
}
