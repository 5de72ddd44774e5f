//! Glue: see `plimsoll_fuzz::keepalive`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(keepalive);
