import { base64, hex, utf8 } from '@provability-fabric/kernel';
import { normalCodes } from './normal-form.ts';

/** One way in which a value may be written, and how far apart its fingerprints stand. */
interface Written {
  readonly codes: Uint16Array;
  readonly stride: number;
}

/** Longer values are fingerprinted more thinly in the clear: 16 characters in the place of 12. */
const LONG = 256;

const ARMOUR = /-----(?:BEGIN|END) [A-Z0-9 ]{1,64}-----/;

/**
 * The ways in which any 16 characters of a value are found: as they are, backwards, in base64 at each of its three
 * alignments, in hexadecimal. The strides follow from that number: 16 bytes are 20 whole characters of base64 or 32 digits.
 */
export function waysToWrite(value: string): readonly Written[] {
  return value.split(ARMOUR).flatMap(waysToWritePart);
}

function waysToWritePart(part: string): readonly Written[] {
  const plain = normalCodes(part);
  const bytes = utf8(part);
  const ways = [
    { codes: plain, stride: plain.length > LONG ? 5 : 1 },
    { codes: plain.toReversed(), stride: 5 },
    { codes: normalCodes(hex(bytes)), stride: 16 },
  ];
  for (const skipped of [0, 1, 2]) {
    const rest = bytes.subarray(skipped);
    // The last character of a group that is not whole depends on what follows.
    const text = base64(rest).replace(/=+$/, '');
    const whole = rest.length % 3 === 0 ? text : text.slice(0, -1);
    ways.push({ codes: normalCodes(whole), stride: 4 });
  }
  return ways;
}
