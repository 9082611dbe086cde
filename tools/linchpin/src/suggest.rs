//! "Did you mean …?"

/// A help text for a wrong name: the nearest known one, and all of them.
pub(crate) fn did_you_mean(wrong: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "there are none yet".into();
    }
    let all = format!("there are: {}", known.join(", "));
    match nearest(wrong, known) {
        Some(name) => format!("did you mean `{name}`? {all}"),
        None => all,
    }
}

fn nearest<'a>(wrong: &str, known: &'a [String]) -> Option<&'a String> {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(&wrong.to_lowercase(), name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_name_only_when_it_is_near() {
        let known = ["capabilities".to_owned(), "threads".to_owned()];
        assert!(did_you_mean("thread", &known).starts_with("did you mean `threads`?"));
        assert_eq!(
            did_you_mean("zzz", &known),
            "there are: capabilities, threads"
        );
        assert_eq!(did_you_mean("zzz", &[]), "there are none yet");
    }
}
