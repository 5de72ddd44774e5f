;; A guest that tries everything.
(module
  (import "host" "open" (func $open (result i32)))
  (import "host" "read" (func $read (param i32) (result i64)))
  (import "host" "wait" (func $wait))

  (memory $memory (export "memory") 1)
  (memory $other 1)
  (global $global (mut i64) (i64.const 0))
  (global $handle (mut i32) (i32.const -1))
  (table $table 4 100000 funcref)
  (elem declare func $spin)

  ;; Leaves a secret wherever it can be left.
  (func (export "hide") (param $secret i64)
    (local $at i32)
    (loop $next
      (i64.store $memory (local.get $at) (local.get $secret))
      (i64.store $other (local.get $at) (local.get $secret))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 65536))))
    (global.set $global (local.get $secret))
    (table.set $table (i32.const 3) (ref.func $spin))
    (global.set $handle (call $open)))

  ;; All that can be found of it.
  (func (export "seek") (result i64)
    (local $at i32) (local $found i64)
    (loop $next
      (local.set $found (i64.or (local.get $found) (i64.load $memory (local.get $at))))
      (local.set $found (i64.or (local.get $found) (i64.load $other (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 65536))))
    (local.set $found (i64.or (local.get $found) (global.get $global)))
    (if (i32.eqz (ref.is_null (table.get $table (i32.const 3))))
      (then (local.set $found (i64.const -1))))
    (if (i32.ne (global.get $handle) (i32.const -1))
      (then (local.set $found (i64.const -2))))
    ;; Sizes tell of the last guest as well.
    (if (i32.ne (memory.size $memory) (i32.const 1)) (then (local.set $found (i64.const -3))))
    (if (i32.ne (memory.size $other) (i32.const 1)) (then (local.set $found (i64.const -4))))
    (if (i32.ne (table.size $table) (i32.const 4)) (then (local.set $found (i64.const -5))))
    (local.get $found))

  ;; What the handle names that was kept, and that of any number.
  (func (export "kept") (result i64) (call $read (global.get $handle)))
  (func (export "guess") (param i32) (result i64) (call $read (local.get 0)))
  (func (export "open") (result i32) (call $open))

  (func (export "trap") unreachable)
  (func $spin (export "spin") (loop $again (br $again)))
  (func $recurse (export "recurse") (call $recurse) (call $recurse))
  (func (export "stray") (drop (i64.load $memory (i32.const 65530))))
  (func (export "grow") (param i32) (result i32) (memory.grow $memory (local.get 0)))
  (func (export "grow_other") (param i32) (result i32) (memory.grow $other (local.get 0)))
  (func (export "grow_table") (param i32) (result i32)
    (table.grow $table (ref.null func) (local.get 0)))
  (func (export "wait") (param $times i32)
    (loop $again
      (call $wait)
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $times) (i32.const 0)))))
  (func (export "work") (param $steps i32)
    (loop $again
      (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $steps) (i32.const 0))))))
