//! Types the lines of `--script` for an absent user: one at each prompt.

use std::collections::VecDeque;

use crate::serial::Lines;

/// Lines to type, and the prompt to wait for.
#[derive(Debug)]
pub(crate) struct Script {
    waiting: VecDeque<String>,
    prompt: String,
    answered: Option<usize>,
}

/// What to do about the serial line's present state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Type(String),
    /// The prompt is back and nothing is left to type.
    Finished,
}

impl Script {
    /// `text` holds the lines, separated by `;`.
    pub(crate) fn new(text: &str, prompt: &str) -> Self {
        let waiting = text
            .split(';')
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        Self {
            waiting,
            prompt: prompt.to_owned(),
            answered: None,
        }
    }

    /// Looks at the line being written; answers each prompt once.
    pub(crate) fn look(&mut self, lines: &Lines) -> Option<Step> {
        let here = lines.finished();
        if self.answered == Some(here) || lines.open_line() != self.prompt {
            return None;
        }
        self.answered = Some(here);
        Some(self.waiting.pop_front().map_or(Step::Finished, Step::Type))
    }

    /// What was never asked for.
    pub(crate) fn left(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_prompt() {
        let mut script = Script::new("help; caps ;;exit", "linchpin> ");
        let mut lines = Lines::default();
        lines.push(b"welcome\nlinchpin>");
        assert_eq!(script.look(&lines), None, "the prompt is not complete");
        lines.push(b" ");
        assert_eq!(script.look(&lines), Some(Step::Type("help".into())));
        assert_eq!(script.look(&lines), None, "this prompt has its answer");
        lines.push(b"help\nsome help\nlinchpin> ");
        assert_eq!(script.look(&lines), Some(Step::Type("caps".into())));
        assert_eq!(script.left(), 1);
        lines.push(b"caps\nsee linchpin> here");
        assert_eq!(
            script.look(&lines),
            None,
            "a prompt stands at the start of a line"
        );
        lines.push(b"\nlinchpin> ");
        assert_eq!(script.look(&lines), Some(Step::Type("exit".into())));
        lines.push(b"exit\nlinchpin> ");
        assert_eq!(script.look(&lines), Some(Step::Finished));
    }
}
