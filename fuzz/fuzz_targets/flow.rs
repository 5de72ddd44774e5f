//! Glue: see `plimsoll_fuzz::flow`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(flow);
