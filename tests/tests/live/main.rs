//! Backends against the real servers of the rig.

// Each server's tests are a file beside this one.
mod imap;
mod smb;
