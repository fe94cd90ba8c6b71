//! Rescues what is stuck: expired leases and lost messages.
