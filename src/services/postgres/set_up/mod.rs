//! What set-up needs of PostgreSQL: its programs, the cluster with its roles, and a server of its own for as long as
//! tables are migrated.

mod cluster;
mod program;
mod roles;
mod server;

pub(crate) use self::{
    program::{MINIMUM, PROGRAM, fitting},
    roles::literal,
    server::{options, psql, socket_folder},
};
use crate::provision::{
    catalog::{Brought, DatabaseServer},
    model::Cluster,
};

pub(super) const SET_UP: Brought = Brought {
    programs: &[PROGRAM],
    database: Some(DatabaseServer {
        cluster: Cluster {
            data: super::data,
            identifier: cluster::identifier,
            major: cluster::major,
            running_server: cluster::running_server,
            roles: roles::sql,
        },
        make_cluster: cluster::make,
        start: server::start,
        make_roles: roles::make,
        end_orphan: server::end_orphan,
    }),
    ..Brought::NOTHING
};
