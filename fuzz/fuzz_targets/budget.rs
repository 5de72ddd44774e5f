//! Glue: see `plimsoll_fuzz::budget`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(budget);
