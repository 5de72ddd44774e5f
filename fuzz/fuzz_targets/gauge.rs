//! Glue: see `plimsoll_fuzz::gauge`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(gauge);
