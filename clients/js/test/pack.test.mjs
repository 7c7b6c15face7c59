/* Our MessagePack against a general library's, at the edges of every form, and against hostile bytes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { decode, encode } from "@msgpack/msgpack";
import { pack, unpack } from "../dist/pack.js";

const plain = (value) => structuredClone(value);
const one = (bytes) => plain([...unpack(bytes)][0]);

const edges = [
  null, true, false, 0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -32, -33, -128, -129, -32769, -(2 ** 31),
  -(2 ** 31) - 1, 1.5, -0.1, 1e300, "", "한글 👩‍👩‍👧", "x".repeat(31), "x".repeat(32), "é".repeat(127), "x".repeat(255), "x".repeat(256), "x".repeat(70_000), [], {},
  Array.from({ length: 15 }, (_, i) => i), Array.from({ length: 16 }, (_, i) => i), Array.from({ length: 70_000 }, () => 7),
  Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, [i]])), new Uint8Array(0), new Uint8Array(255).fill(9), new Uint8Array(256), new Uint8Array(70_000),
  [0, 1, "doc.open", [{ path: "src/a.py", epoch: undefined, client_id: 305419896, deep: { a: [null, { b: new Uint8Array([1]) }] } }]],
];

test("what one writes the other reads, at every edge", () => {
  for (const value of edges) {
    const expected = decode(encode(value, { ignoreUndefined: true }));
    const what = JSON.stringify(value).slice(0, 60);
    assert.ok(isDeepStrictEqual(plain(decode(pack(value))), plain(expected)), `written: ${what}`);
    assert.ok(isDeepStrictEqual(one(encode(value, { ignoreUndefined: true })), plain(expected)), `read: ${what}`);
    assert.ok(isDeepStrictEqual(one(pack(value)), plain(expected)), `both: ${what}`);
  }
});

test("several values in a message are read one after the other", () => {
  assert.deepEqual([...unpack(new Uint8Array([1, 0xc0, 0x91, 2]))], [1, null, [2]]);
});

test("the protocol's golden frames are read and written again, byte for byte", () => {
  const frames = readFileSync(new URL("../../../protocol/golden/frames.txt", import.meta.url), "utf8");
  let count = 0;
  for (const [, hex] of frames.matchAll(/^[a-z_.]+:((?:\s+[0-9a-f]{2}(?=\s))+)/gm)) {
    const bytes = Uint8Array.from(hex.trim().split(/\s+/), (byte) => parseInt(byte, 16));
    const values = [...unpack(bytes)];
    assert.deepEqual(Buffer.concat(values.map((value) => pack(value))).toString("hex"), Buffer.from(bytes).toString("hex"));
    count++;
  }
  assert.ok(count > 10, `only ${count} frames were found`);
});

test("bytes that are no values are errors, whole and cut anywhere", () => {
  const hostile = ["c1", "dfffffffff0a", "ddffffffff", "c6ffffffff00", "dbffffffff", "a2ffff", "81c0c0", "91".repeat(200) + "c0"];
  for (const hex of hostile) assert.throws(() => [...unpack(Buffer.from(hex, "hex"))], hex);
  const whole = pack(edges.at(-1)); // one value: every cut is inside it
  for (let size = 1; size < whole.length; size++) assert.throws(() => [...unpack(whole.subarray(0, size))]);
});

test("a key __proto__ is a member like any other", () => {
  const [value] = unpack(encode(JSON.parse('{"__proto__": {"polluted": true}}')));
  assert.equal({}.polluted, undefined);
  assert.equal(value.polluted, undefined);
});
