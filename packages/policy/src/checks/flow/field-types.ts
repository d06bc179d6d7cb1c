import type { Scalar } from './arguments.ts';

/** Regular types: each holds so little that what passes as one carries hardly a message. */
export const FIELD_TYPES = ['date', 'amount', 'id', 'address'] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

const DATE =
  /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?Z)?$/;
const AMOUNT = /^-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,2})?$/;
/** Of mail: ASCII, with a dot in the domain. */
const ADDRESS = /^[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,35}$/;

export function isOfType(type: FieldType, value: Scalar): boolean {
  switch (type) {
    case 'date':
      return typeof value === 'string' && DATE.test(value);
    case 'amount':
      return (typeof value === 'string' || typeof value === 'number') && AMOUNT.test(String(value));
    case 'id':
      return (typeof value === 'string' || typeof value === 'number') && ID.test(String(value));
    case 'address':
      return typeof value === 'string' && value.length <= 254 && ADDRESS.test(value);
  }
}
