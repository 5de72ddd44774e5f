//! Glue: see `plimsoll_fuzz::pool`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(pool);
