//! Glue: see `plimsoll_fuzz::races`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(races);
