/** What a filter is asked about; `args` are the low 32 bits. */
export interface SystemCall {
  readonly architecture: number;
  readonly number: number;
  readonly args?: readonly number[];
}

/** Runs the bytes of a filter as the kernel does (net/core/filter.c), for the few instructions that ours have. */
export function interpret(filter: Uint8Array, call: SystemCall): number {
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.number, true);
  data.setUint32(4, call.architecture, true);
  (call.args ?? []).forEach((value, index) => {
    data.setUint32(16 + 8 * index, value, true);
  });
  let accumulator = 0;
  for (let pc = 0; pc * 8 < filter.byteLength; pc++) {
    const code = view.getUint16(pc * 8, true);
    const k = view.getUint32(pc * 8 + 4, true);
    const jump = (holds: boolean): number => view.getUint8(pc * 8 + (holds ? 2 : 3));
    if (code === 0x20) accumulator = data.getUint32(k, true);
    else if (code === 0x06) return k;
    else if (code === 0x15) pc += jump(accumulator === k);
    else if (code === 0x25) pc += jump(accumulator > k);
    else if (code === 0x35) pc += jump(accumulator >= k);
    else if (code === 0x45) pc += jump((accumulator & k) !== 0);
    else throw new Error(`no such instruction: ${code}`);
  }
  throw new Error('the filter ended without an answer');
}
