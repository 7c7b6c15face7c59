/* pack.ts — MessagePack, as much of it as the protocol's values need: nil, booleans, numbers, text, bytes, arrays and maps with text keys.
 * Written here because it is a fifth of the size of a general library, and refuses what a hostile peer could send.
 *
 *   00-7f, e0-ff  small number     c4-c6  bytes          cc-d3  integer         dc dd  array
 *   80-8f  map    90-9f  array     c0     nil            d9-db  text            de df  map
 *   a0-bf  text                    c2 c3  false, true    ca cb  float 32, 64    c7-c9, d4-d8  extensions: read as nil
 *
 * Reading: bytes are views of the message, text must be UTF-8, and no container claims more members than bytes follow. Integers above 2^53
 * lose digits; the protocol has none. Writing: the shortest form; undefined members of maps are left out. */

export type Packed = null | undefined | boolean | number | string | Uint8Array | Packed[] | { [key: string]: Packed };

const depthMax = 32;
const fromText = new TextEncoder();
const toText = new TextDecoder("utf-8", { fatal: true });

/** One value as bytes. */
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  let out = new Uint8Array(256);
  let view = new DataView(out.buffer);
  let size = 0;

  const reserve = (more: number): number => {
    if (size + more > out.length) {
      const grown = new Uint8Array(Math.max(out.length * 2, size + more));
      grown.set(out);
      out = grown;
      view = new DataView(out.buffer);
    }
    size += more;
    return size - more;
  };
  /* The place first: it may move `out` and `view`. */
  const byte = (value: number) => {
    const at = reserve(1);
    out[at] = value;
  };
  const word = (width: 2 | 4 | 8, set: (at: number) => void) => set(reserve(width));
  /** A head with a count in 1, 2 or 4 bytes; `first` is the code for 1 byte (0: there is none), the others follow. */
  const head = (first: number, second: number, count: number) => {
    if (first && count < 0x100) byte(first), byte(count);
    else if (count < 0x10000) byte(second), word(2, (at) => view.setUint16(at, count));
    else byte(second + 1), word(4, (at) => view.setUint32(at, count));
  };
  const bytes = (value: Uint8Array) => {
    const at = reserve(value.length);
    out.set(value, at);
  };
  const number = (value: number) => {
    if (!Number.isSafeInteger(value)) byte(0xcb), word(8, (at) => view.setFloat64(at, value));
    else if (value >= 0 && value < 0x80) byte(value);
    else if (value >= 0 && value < 0x100000000) head(0xcc, 0xcd, value);
    else if (value >= 0) byte(0xcf), word(8, (at) => view.setBigUint64(at, BigInt(value)));
    else if (value >= -32) byte(value & 0xff);
    else byte(0xd3), word(8, (at) => view.setBigInt64(at, BigInt(value)));
  };
  const write = (value: unknown): void => {
    if (value === null || value === undefined) byte(0xc0);
    else if (typeof value === "boolean") byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") number(value);
    else if (typeof value === "string") {
      const text = fromText.encode(value);
      if (text.length < 32) byte(0xa0 | text.length);
      else head(0xd9, 0xda, text.length);
      bytes(text);
    } else if (value instanceof Uint8Array) {
      head(0xc4, 0xc5, value.length);
      bytes(value);
    } else if (Array.isArray(value)) {
      if (value.length < 16) byte(0x90 | value.length);
      else head(0, 0xdc, value.length);
      value.forEach(write);
    } else if (typeof value === "object") {
      const members = Object.entries(value).filter(([, member]) => member !== undefined);
      if (members.length < 16) byte(0x80 | members.length);
      else head(0, 0xde, members.length);
      for (const [key, member] of members) write(key), write(member);
    } else {
      throw new TypeError(`a ${typeof value} can't be packed`);
    }
  };

  write(value);
  return out.subarray(0, size);
}

/** The values of a message, one after the other. Throws RangeError or TypeError at the first byte that is none. */
export function* unpack(message: Uint8Array): Generator<Packed> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;

  const take = (count: number): number => {
    if (count > message.length - at) throw new RangeError(`the message ends inside a value, at byte ${at}`);
    at += count;
    return at - count;
  };
  const count = (width: number): number => (width === 1 ? view.getUint8(take(1)) : width === 2 ? view.getUint16(take(2)) : view.getUint32(take(4)));
  const bytes = (size: number): Uint8Array => {
    const from = take(size);
    return message.subarray(from, from + size);
  };
  const text = (size: number): string => toText.decode(bytes(size));
  const members = (size: number, each: number): number => {
    if (size * each > message.length - at) throw new RangeError(`a container claims more than follows, at byte ${at}`);
    return size;
  };
  const array = (size: number, depth: number): Packed[] => {
    const found: Packed[] = [];
    for (let left = members(size, 1); left > 0; left--) found.push(read(depth + 1));
    return found;
  };
  /* Of a key that occurs twice the first counts; "__proto__" is a key like any other. */
  const map = (size: number, depth: number): Packed => {
    const found: Record<string, Packed> = Object.create(null);
    for (let left = members(size, 2); left > 0; left--) {
      const key = read(depth + 1);
      if (typeof key !== "string") throw new TypeError(`a key is no text, before byte ${at}`);
      const member = read(depth + 1);
      if (!(key in found)) found[key] = member;
    }
    return found;
  };
  const skip = (size: number): null => (take(size + 1), null);
  const read = (depth: number): Packed => {
    if (depth > depthMax) throw new RangeError(`too many containers inside each other, at byte ${at}`);
    const code = view.getUint8(take(1));
    if (code < 0x80) return code;
    if (code < 0x90) return map(code & 15, depth);
    if (code < 0xa0) return array(code & 15, depth);
    if (code < 0xc0) return text(code & 31);
    if (code >= 0xe0) return code - 256;
    switch (code) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return bytes(count(1 << (code - 0xc4)));
      case 0xc7: case 0xc8: case 0xc9: return skip(count(1 << (code - 0xc7)));
      case 0xca: return view.getFloat32(take(4));
      case 0xcb: return view.getFloat64(take(8));
      case 0xcc: case 0xcd: case 0xce: return count(1 << (code - 0xcc));
      case 0xcf: return Number(view.getBigUint64(take(8)));
      case 0xd0: return view.getInt8(take(1));
      case 0xd1: return view.getInt16(take(2));
      case 0xd2: return view.getInt32(take(4));
      case 0xd3: return Number(view.getBigInt64(take(8)));
      case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: return skip(1 << (code - 0xd4));
      case 0xd9: case 0xda: case 0xdb: return text(count(1 << (code - 0xd9)));
      case 0xdc: case 0xdd: return array(count(2 << (code - 0xdc)), depth);
      case 0xde: case 0xdf: return map(count(2 << (code - 0xde)), depth);
      default: throw new TypeError(`byte ${code} begins no value, before byte ${at}`);
    }
  };

  while (at < message.length) yield read(0);
}
