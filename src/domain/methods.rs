//! By which steps an account logs in, as OpenSSH's `AuthenticationMethods` says it: any one of several ways, each of
//! them one step or several in their order. `publickey+totp,password+totp` is a key and then a code, or a password
//! and then a code.

use std::fmt;
use std::str::FromStr;

/// One thing a caller proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A key of the account, or an OpenSSH user certificate for its login: at the SFTP door.
    PublicKey,
    /// A TLS client certificate: at the FTPS door, where it comes before everything else.
    Certificate,
    Password,
    /// A time-based one-time password (RFC 6238), or a recovery code in its place.
    Totp,
}

impl Step {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "publickey",
            Self::Certificate => "certificate",
            Self::Password => "password",
            Self::Totp => "totp",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::PublicKey, Self::Certificate, Self::Password, Self::Totp].into_iter().find(|step| step.as_str() == text)
    }
}

/// The ways in: at least one, each of them complete in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Methods(Vec<Vec<Step>>);

/// Ways an account may have.
const WAYS_MAX: usize = 8;

/// What was written are no methods; the sentence says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoMethods(String);

impl Methods {
    /// What holds for an account for which nothing was said: any one proof it has. A password alone is not enough
    /// once a second factor is enrolled; a key is, as with OpenSSH and SFTPGo.
    #[must_use]
    pub fn usual(has_totp: bool) -> Self {
        let password = if has_totp { vec![Step::Password, Step::Totp] } else { vec![Step::Password] };
        Self(vec![vec![Step::PublicKey], vec![Step::Certificate], password])
    }

    /// The steps that may come next after those that are done, in the order of the ways.
    #[must_use]
    pub fn next(&self, done: &[Step]) -> Vec<Step> {
        let mut next = vec![];
        for step in self.open(done).filter_map(|way| way.get(done.len())) {
            if !next.contains(step) {
                next.push(*step);
            }
        }
        next
    }

    /// Whether the steps that are done are one of the ways, to its end.
    #[must_use]
    pub fn is_complete(&self, done: &[Step]) -> bool {
        self.0.iter().any(|way| way == done)
    }

    /// Whether any way needs this step.
    #[must_use]
    pub fn need(&self, step: Step) -> bool {
        self.0.iter().any(|way| way.contains(&step))
    }

    /// The ways that begin with the steps that are done.
    fn open<'a>(&'a self, done: &'a [Step]) -> impl Iterator<Item = &'a Vec<Step>> {
        self.0.iter().filter(move |way| way.starts_with(done))
    }
}

impl FromStr for Methods {
    type Err = NoMethods;

    fn from_str(text: &str) -> Result<Self, NoMethods> {
        let wrong = |why: String| Err(NoMethods(why));
        let mut ways: Vec<Vec<Step>> = vec![];
        for written in text.split(',').map(str::trim) {
            let mut way = vec![];
            for word in written.split('+').map(str::trim) {
                let Some(step) = Step::parse(word) else {
                    let shown: String = word.chars().filter(|c| !c.is_control()).take(32).collect();
                    return wrong(format!(
                        "`{shown}` is no step; write publickey, certificate, password and totp, joined by `+`, the ways \
                         parted by `,`: publickey+totp,password+totp"
                    ));
                };
                if way.contains(&step) {
                    return wrong(format!("`{written}` names {} twice", step.as_str()));
                }
                way.push(step);
            }
            if way.first() == Some(&Step::Totp) {
                return wrong(format!(
                    "`{written}` begins with the code; a code is a second factor: password+totp, publickey+totp"
                ));
            }
            if way.contains(&Step::PublicKey) && way.contains(&Step::Certificate) {
                return wrong(format!(
                    "`{written}` wants publickey, which is of SFTP, and certificate, which is of FTPS; no door has both"
                ));
            }
            if way.iter().skip(1).any(|step| *step == Step::Certificate) {
                return wrong(format!("`{written}`: the certificate comes first, with the TLS handshake"));
            }
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        if ways.len() > WAYS_MAX {
            return wrong(format!("an account has at most {WAYS_MAX} ways to log in"));
        }
        Ok(Self(ways))
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, way) in self.0.iter().enumerate() {
            if nth > 0 {
                out.write_str(",")?;
            }
            out.write_str(&joined(way))?;
        }
        Ok(())
    }
}

/// Steps as they are written: `publickey+totp`.
#[must_use]
pub fn joined(steps: &[Step]) -> String {
    steps.iter().map(|step| step.as_str()).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{Certificate, Password, PublicKey, Totp};

    fn methods(text: &str) -> Methods {
        text.parse().unwrap()
    }

    #[test]
    fn methods_read_back_as_they_are_written() {
        for text in ["publickey", "publickey+totp,password+totp", "certificate+password", "password+publickey+totp"] {
            assert_eq!(methods(text).to_string(), text);
        }
        assert_eq!(methods(" publickey + totp , publickey+totp").to_string(), "publickey+totp");
        for (wrong, why) in [
            ("", "is no step"),
            ("publickey,", "is no step"),
            ("publickey,none", "`none` is no step"),
            ("totp", "begins with the code"),
            ("totp+password", "begins with the code"),
            ("password+password", "twice"),
            ("publickey+certificate", "no door has both"),
            ("password+certificate", "comes first"),
            ("Password", "is no step"),
        ] {
            let said = wrong.parse::<Methods>().unwrap_err().to_string();
            assert!(said.contains(why), "{wrong}: {said}");
        }
        let steps = ["publickey", "password", "certificate"];
        let many: Vec<String> = steps
            .iter()
            .flat_map(|first| {
                ["", "+totp", "+password", "+publickey", "+totp+password"].map(|rest| format!("{first}{rest}"))
            })
            .filter(|way| way.parse::<Methods>().is_ok())
            .collect();
        assert!(many.len() > WAYS_MAX && many.join(",").parse::<Methods>().is_err());
    }

    #[test]
    fn steps_come_in_their_order_and_a_way_is_complete_at_its_end_only() {
        let both = methods("publickey+totp,password+totp");
        assert_eq!(both.next(&[]), [PublicKey, Password]);
        assert_eq!(both.next(&[PublicKey]), [Totp]);
        assert!(both.next(&[Totp]).is_empty() && both.next(&[PublicKey, Password]).is_empty());
        assert!(both.is_complete(&[Password, Totp]));
        for half in [&[][..], &[Password], &[PublicKey], &[Totp], &[PublicKey, Password], &[Totp, Password]] {
            assert!(!both.is_complete(half), "{half:?}");
        }
        assert!(methods("publickey+password").next(&[Password]).is_empty(), "the order counts");
    }

    #[test]
    fn a_second_factor_that_is_enrolled_is_asked_for() {
        assert!(Methods::usual(false).is_complete(&[Password]));
        assert!(!Methods::usual(true).is_complete(&[Password]));
        assert!(Methods::usual(true).is_complete(&[Password, Totp]));
        assert!(Methods::usual(true).is_complete(&[PublicKey]) && Methods::usual(true).is_complete(&[Certificate]));
    }
}
