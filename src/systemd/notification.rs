//! What the service manager is told, one value for each assignment of sd_notify(3).
//!
//! The values own what they say, so that whoever decides can give them away and tests can compare them:
//! sd-notify's `NotifyState` borrows its text and cannot be compared. Their words are that crate's. They become
//! text when they are sent, and not before. [`super::notify`] makes them; everybody may read them.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use sd_notify::NotifyState;

/// One thing that the service manager is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// The start is over, or a reload is.
    Ready,
    /// A reload begins, at this time of the monotonic clock. Without the time systemd would end the daemon.
    Reloading(Duration),
    /// The end begins.
    Stopping,
    /// The line that `systemctl status` shows.
    Status(String),
    /// The number of the main process.
    MainPid(u32),
    /// A sign of life.
    Watchdog,
    /// From now on it takes no longer than this.
    ExtendTimeout(Duration),
    /// The error of the kernel that the daemon fails with.
    Errno(u32),
    /// The exit code that the daemon fails with.
    ExitStatus(u8),
}

/// As sd_notify(3) wants it: a line, or two where one needs the other.
impl Display for Notification {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let custom = |f: &mut Formatter<'_>, text: String| NotifyState::Custom(&text).fmt(f);
        match self {
            Self::Ready => NotifyState::Ready.fmt(f),
            Self::Reloading(monotonic) => {
                let now = i128::try_from(monotonic.as_micros()).unwrap_or(i128::MAX);
                let (reloading, now) = (NotifyState::Reloading, NotifyState::MonotonicUsec(now));
                write!(f, "{reloading}\n{now}")
            }
            Self::Stopping => NotifyState::Stopping.fmt(f),
            Self::Status(line) => NotifyState::Status(line).fmt(f),
            Self::MainPid(pid) => NotifyState::MainPid(*pid).fmt(f),
            Self::Watchdog => NotifyState::Watchdog.fmt(f),
            // The crate's own has 32 bits: 71 minutes.
            Self::ExtendTimeout(left) => {
                custom(f, format!("EXTEND_TIMEOUT_USEC={}", left.as_micros()))
            }
            Self::Errno(errno) => NotifyState::Errno(*errno).fmt(f),
            // The crate has none for this.
            Self::ExitStatus(exit) => custom(f, format!("EXIT_STATUS={exit}")),
        }
    }
}

/// The text of one datagram.
pub fn datagram(notifications: &[Notification]) -> String {
    let lines = notifications.iter();
    lines
        .map(|notification| format!("{notification}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_the_words_of_the_protocol() {
        use Notification::{
            Errno, ExitStatus, ExtendTimeout, MainPid, Ready, Reloading, Status, Stopping, Watchdog,
        };
        for (notification, text) in [
            (Ready, "READY=1"),
            (
                Reloading(Duration::from_micros(1_234_567)),
                "RELOADING=1\nMONOTONIC_USEC=1234567",
            ),
            (Stopping, "STOPPING=1"),
            (Status("1 of 2 ready".into()), "STATUS=1 of 2 ready"),
            (MainPid(42), "MAINPID=42"),
            (Watchdog, "WATCHDOG=1"),
            // More than the 71 minutes that 32 bits hold.
            (
                ExtendTimeout(Duration::from_secs(315_360_015)),
                "EXTEND_TIMEOUT_USEC=315360015000000",
            ),
            (Errno(98), "ERRNO=98"),
            (ExitStatus(78), "EXIT_STATUS=78"),
        ] {
            assert_eq!(notification.to_string(), text);
        }
    }

    #[test]
    fn a_datagram_has_a_line_for_each() {
        assert_eq!(
            datagram(&[Notification::Ready, Notification::MainPid(42)]),
            "READY=1\nMAINPID=42\n"
        );
    }
}
