//! The socket of the server: the number in its name, and the files that tell that a server is at work.

use std::path::Path;

use crate::identity::PidFile;

/// The number in the socket's name. No port: nothing listens on the network.
pub const PORT: u16 = 5432;

/// The files by which a server knows that another one is at work: of the cluster, and of its socket.
pub(crate) fn pid_files(data: &Path, socket: &Path) -> [PidFile; 2] {
    let lock = format!(".s.PGSQL.{PORT}.lock");
    [data.join("postmaster.pid"), socket.join(lock)].map(|path| PidFile {
        path,
        folder: data.to_owned(),
        program: "postgres".to_owned(),
    })
}
