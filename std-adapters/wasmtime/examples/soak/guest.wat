;; A guest that behaves, or does not: the host picks what it does.
(module
  (import "host" "open" (func $open (result i32)))
  (import "host" "rest" (func $rest))
  (type $bytes (array (mut i8)))
  (rec (type $node (struct (field (ref $bytes)) (field (ref null $node)))))
  (tag $oops)
  (memory $memory 1)
  (global $secret (mut i64) (i64.const 0))
  (table $table 4 funcref)

  ;; What the last lease has left: nothing, where instances are not shared.
  (func (export "seek") (result i64)
    (i64.or (global.get $secret) (i64.load $memory (i32.const 1024))))
  (func (export "hide") (param $secret i64)
    (global.set $secret (local.get $secret))
    (i64.store $memory (i32.const 1024) (local.get $secret))
    (drop (call $open)))
  (func (export "work") (param $steps i32)
    (loop $again
      (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $steps) (i32.const 0)))))
  (func (export "hog")
    (loop $again
      (drop (table.grow $table (ref.null func) (i32.const 100)))
      (br_if $again (i32.ne (memory.grow $memory (i32.const 1)) (i32.const -1)))))
  (func (export "trap") unreachable)
  (func (export "throw") (throw $oops))
  ;; Garbage that is collected, then a list that is not.
  (func (export "litter") (local $kept (ref null $node)) (local $left i32)
    (local.set $left (i32.const 200))
    (loop $again
      (drop (array.new_default $bytes (i32.const 4096)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get $left) (i32.const 0)))))
  (func (export "hoard") (local $kept (ref null $node))
    (loop $again
      (local.set $kept
        (struct.new $node (array.new_default $bytes (i32.const 4096)) (local.get $kept)))
      (br $again)))
  (func (export "spin") (loop $again (br $again)))
  (func $recurse (export "recurse") (call $recurse) (call $recurse))
  (func (export "rest") (loop $again (call $rest) (br $again))))
