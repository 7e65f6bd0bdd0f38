//! The one form in which trouble reaches a person: what happened, how grave it is, and what to do.

/// How much a problem matters to someone with a needle in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// Something works less well than it should.
    Warning,
    /// Something does not work, or something was lost.
    Error,
}

/// An error that knows its gravity and what to do about it.
pub trait Problem: std::error::Error {
    /// How grave it is.
    fn severity(&self) -> Severity {
        Severity::Error
    }
    /// What the user can do about it, as a full sentence.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// A message for the screen, the terminal and the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How grave it is.
    pub severity: Severity,
    /// What happened: expected and got, in lower case, without a full stop.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Notice {
    /// The notice of a problem.
    pub fn of(problem: &(impl Problem + ?Sized)) -> Self {
        Self {
            severity: problem.severity(),
            text: problem.to_string(),
            hint: problem.hint(),
        }
    }

    /// A notice that is not an error.
    pub fn note(text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Note,
            text: text.into(),
            hint: None,
        }
    }

    /// Text and hint on one line, for terminals.
    pub fn line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}. {hint}", self.text),
            None => self.text.clone(),
        }
    }
}
