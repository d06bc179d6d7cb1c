import { isLong } from './values.ts';

const DECIMAL = /^(-?)([0-9]+)\.([0-9]+)$/;
const DIGITS = 4;

/**
 * Cedar's `decimal`: up to four digits after the point, held as a count of ten-thousandths within 64 bits.
 */
export class CedarDecimal {
  readonly kind = 'decimal';

  constructor(readonly value: bigint) {}
}

/** The problem as a string if the text is no decimal. */
export function parseDecimal(text: string): CedarDecimal | string {
  const [, sign, whole, fraction] = DECIMAL.exec(text) ?? [];
  if (sign === undefined || whole === undefined || fraction === undefined) {
    return 'expected a decimal like `12.34`';
  }
  if (fraction.length > DIGITS) return `expected a decimal with at most ${DIGITS} digits after the point`;
  // The largest value has 15 digits before the point; a million zeros are no reason for a million-digit
  // BigInt.
  const digits = whole.replace(/^0+(?=[0-9])/, '');
  const value = digits.length > 15 ? undefined : BigInt(sign + digits + fraction.padEnd(DIGITS, '0'));
  if (value === undefined || !isLong(value)) return 'expected a decimal within 64 bits';
  return new CedarDecimal(value);
}
