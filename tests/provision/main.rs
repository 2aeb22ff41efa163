//! Set-up from its beginning to its end, with a real PostgreSQL and with package managers that do
//! and say what a test wants: no registry is asked, and every way to fail can be had.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod believed;
mod failures;
mod generations;
mod history;
mod killed;
mod machine;
mod whole;
