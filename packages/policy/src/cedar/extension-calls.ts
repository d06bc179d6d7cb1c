import {
  CedarDatetime,
  CedarDuration,
  DURATION_UNITS,
  durationSince,
  offset,
  parseDatetime,
  parseDuration,
  toDate,
  toTime,
} from './datetime.ts';
import { CedarDecimal, parseDecimal } from './decimal.ts';
import { EvaluationFailure, mistyped, type Outcome } from './failure.ts';
import { CedarIpAddress, parseIpAddress } from './ip-address.ts';
import type { CedarValue } from './values.ts';

export interface ExtensionFunction {
  readonly arity: 1 | 2;
  call(first: Outcome, second: Outcome): Outcome;
}

/**
 * All functions and methods of Cedar's extension types, by name; a method's receiver is its first argument.
 */
export const EXTENSION_FUNCTIONS: ReadonlyMap<string, ExtensionFunction> = new Map([
  ['decimal', fromText('decimal', parseDecimal)],
  ['lessThan', onDecimals((a, b) => a < b)],
  ['lessThanOrEqual', onDecimals((a, b) => a <= b)],
  ['greaterThan', onDecimals((a, b) => a > b)],
  ['greaterThanOrEqual', onDecimals((a, b) => a >= b)],

  ['ip', fromText('ip', parseIpAddress)],
  ['isIpv4', onIp((ip) => ip.version === 4)],
  ['isIpv6', onIp((ip) => ip.version === 6)],
  ['isLoopback', onIp((ip) => ip.isLoopback())],
  ['isMulticast', onIp((ip) => ip.isMulticast())],
  [
    'isInRange',
    method2(CedarIpAddress, CedarIpAddress, 'ipaddr', 'ipaddr', (ip, range) => ip.isInRange(range)),
  ],

  ['datetime', fromText('datetime', parseDatetime)],
  [
    'offset',
    method2(CedarDatetime, CedarDuration, 'datetime', 'duration', (at, by) => within(offset(at, by))),
  ],
  [
    'durationSince',
    method2(CedarDatetime, CedarDatetime, 'datetime', 'datetime', (to, from) =>
      within(durationSince(to, from)),
    ),
  ],
  ['toDate', method1(CedarDatetime, 'datetime', (at) => within(toDate(at)))],
  ['toTime', method1(CedarDatetime, 'datetime', toTime)],

  ['duration', fromText('duration', parseDuration)],
  ...[...DURATION_UNITS].map(
    ([name, unit]) =>
      [name, method1(CedarDuration, 'duration', (duration) => duration.value / unit)] as const,
  ),
]);

type Class<T> = abstract new (...args: never[]) => T;

function fromText(name: string, parse: (text: string) => CedarValue | string): ExtensionFunction {
  return {
    arity: 1,
    call(text) {
      if (typeof text !== 'string') return mistyped(text, 'string');
      const parsed = parse(text);
      // A parser answers with a string only to say what is wrong.
      return typeof parsed === 'string' ? new EvaluationFailure(`\`${name}\`: ${parsed}`) : parsed;
    },
  };
}

function method1<A>(type: Class<A>, name: string, apply: (a: A) => Outcome): ExtensionFunction {
  return {
    arity: 1,
    call: (receiver) => (receiver instanceof type ? apply(receiver) : mistyped(receiver, name)),
  };
}

function method2<A, B>(
  type: Class<A>,
  otherType: Class<B>,
  name: string,
  otherName: string,
  apply: (a: A, b: B) => Outcome,
): ExtensionFunction {
  return {
    arity: 2,
    call(receiver, argument) {
      if (!(receiver instanceof type)) return mistyped(receiver, name);
      return argument instanceof otherType ? apply(receiver, argument) : mistyped(argument, otherName);
    },
  };
}

function onDecimals(compare: (a: bigint, b: bigint) => boolean): ExtensionFunction {
  return method2(CedarDecimal, CedarDecimal, 'decimal', 'decimal', (a, b) => compare(a.value, b.value));
}

function onIp(test: (ip: CedarIpAddress) => boolean): ExtensionFunction {
  return method1(CedarIpAddress, 'ipaddr', test);
}

function within(value: CedarValue | undefined): Outcome {
  return value ?? new EvaluationFailure('overflow: the result is beyond 64 bits of milliseconds');
}
