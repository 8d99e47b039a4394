//! Backends against peers that follow a script: every lie has the only outcomes it is allowed to have.

// Each protocol's scripts are a file beside this one.
mod smb;
