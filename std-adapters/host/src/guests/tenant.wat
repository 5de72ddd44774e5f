;; The program that all tenants run, each on an instance of its own: what a tenant asks decides what
;; it does. One answers a request, one takes all the memory it can get, one never returns.
(module
  (memory 1)
  (global $kept (mut i64) (i64.const 0))

  ;; Says what a caller before has left here, which has to be nothing, and the request's FNV-1a
  ;; hash. The request itself stays behind.
  (func (export "answer") (param $request i64) (result i64 i64)
    (local $found i64)
    (local $hash i64)
    (local $at i32)
    (local.set $found (i64.or (global.get $kept) (i64.load (i32.const 1024))))
    (global.set $kept (local.get $request))
    (i64.store (i32.const 1024) (local.get $request))
    (local.set $hash (i64.const 0xcbf29ce484222325))
    (local.set $at (i32.const 1024))
    (loop $byte
      (local.set $hash
        (i64.mul
          (i64.xor (local.get $hash) (i64.load8_u (local.get $at)))
          (i64.const 0x100000001b3)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $byte (i32.lt_u (local.get $at) (i32.const 1032))))
    (local.get $found)
    (local.get $hash))

  ;; Takes page after page and writes to each, until it is refused one. Returns how many it has.
  (func (export "hoard") (result i32)
    (local $page i32)
    (block $refused
      (loop $again
        (local.set $page (memory.grow (i32.const 1)))
        (br_if $refused (i32.eq (local.get $page) (i32.const -1)))
        (i64.store (i32.shl (local.get $page) (i32.const 16)) (i64.const -1))
        (br $again)))
    (memory.size))

  (func (export "spin")
    (loop $forever
      (br $forever))))
