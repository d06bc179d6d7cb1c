import { InvalidArgumentError } from 'commander';

const ID = /^v\d{1,16}-[0-9a-z]{6}$/;

/** A version as it is typed: a number, or an id like `v1732900000000-k3x9qa`. */
export function versionWord(text: string): number | string {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  if (ID.test(text)) return text;
  throw new InvalidArgumentError('Expected a version number from 1 up, or an id like v1732900000000-k3x9qa.');
}

/** `1,3,4` */
export function versionNumbers(text: string): readonly number[] {
  const numbers = text.split(',').map((one) => (/^[1-9]\d{0,8}$/.test(one) ? Number(one) : 0));
  if (!numbers.includes(0) && numbers.length <= 100) return numbers;
  throw new InvalidArgumentError('Expected version numbers such as 1,3,4.');
}
