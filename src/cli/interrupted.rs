//! What a person is told who presses Ctrl-C while the daemon goes on with the order.

/// While everything, or a service, starts.
pub(super) const STARTING: &str = "It goes on starting: 'ai-gateway status' shows how far it is, \
                           'ai-gateway stop' stops it.";

/// While everything, or a service, stops.
pub(super) const STOPPING: &str = "It goes on stopping: 'ai-gateway status' shows how far it is.";

/// While everything, or a service, restarts.
pub(super) const RESTARTING: &str =
    "It goes on restarting: 'ai-gateway status' shows how far it is.";

/// While the configuration is read again, or a service reads its files.
pub(super) const RELOADING: &str = "It goes on reloading: 'ai-gateway status' shows how far it is.";
