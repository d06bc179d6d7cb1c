import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDatetime, parseDuration, toDate, toTime } from './datetime.ts';
import { parseDecimal } from './decimal.ts';
import { parseIpAddress } from './ip-address.ts';

const refused = (parsed: unknown): boolean => typeof parsed === 'string';

describe('decimal', () => {
  it('refuses what Cedar refuses', () => {
    for (const text of [
      '',
      '1',
      '.1',
      '1.',
      '+1.0',
      '1.00000',
      '1e2',
      ' 1.0',
      '1.0\n',
      '١.٠',
      '922337203685477.5808',
    ]) {
      expect(refused(parseDecimal(text)), text).toBe(true);
    }
    expect(refused(parseDecimal(`${'9'.repeat(100_000)}.0`))).toBe(true);
  });

  it('is exact to the last digit and keeps the sign of a fraction', () => {
    expect(parseDecimal('-922337203685477.5808')).toMatchObject({ value: -(2n ** 63n) });
    expect(parseDecimal('-0.0001')).toMatchObject({ value: -1n });
    expect(parseDecimal('000000000000000000001.5')).toMatchObject({ value: 15_000n });
  });
});

describe('ipaddr', () => {
  it('refuses what Cedar refuses', () => {
    for (const text of [
      '1.2.3',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4/33',
      '1.2.3.4/08',
      '1.2.3.4/',
      '::ffff:1.2.3.4',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7:8::',
      '12345::',
      'fe80::1%eth0',
      '::/129',
    ]) {
      expect(refused(parseIpAddress(text)), text).toBe(true);
    }
  });

  it('tells loopback and multicast of ranges only where all of the range is', () => {
    const ask = (text: string): unknown[] => {
      const ip = parseIpAddress(text);
      return typeof ip === 'string' ? [] : [ip.isLoopback(), ip.isMulticast()];
    };
    expect(ask('127.0.0.1')).toEqual([true, false]);
    expect(ask('127.0.0.0/7')).toEqual([false, false]);
    expect(ask('::1')).toEqual([true, false]);
    expect(ask('::1/127')).toEqual([false, false]);
    expect(ask('224.0.0.0/3')).toEqual([false, false]);
    expect(ask('ff02::1')).toEqual([false, true]);
    expect(ask('::ffff:7f00:1')).toEqual([false, false]);
  });

  it('contains a range in those that are wider, never in another version', () => {
    const inRange = (a: string, b: string): boolean => {
      const [x, y] = [parseIpAddress(a), parseIpAddress(b)];
      return typeof x !== 'string' && typeof y !== 'string' && x.isInRange(y);
    };
    expect(inRange('10.1.2.3', '10.9.9.9/8')).toBe(true);
    expect(inRange('10.0.0.0/7', '10.0.0.0/8')).toBe(false);
    expect(inRange('::a00:1', '0.0.0.0/0')).toBe(false);
    expect(inRange('8000::', '::/0')).toBe(true);
  });
});

describe('datetime and duration', () => {
  it('refuse what Cedar refuses', () => {
    for (const text of [
      '2023-02-29',
      '1900-02-29',
      '2024-13-01',
      '2024-00-01',
      '10000-01-01',
      '2024-01-01T00:00:00',
      '2024-01-01T00:00:00.1Z',
      '2024-01-01T24:00:00Z',
      '2024-01-01T23:59:60Z',
      '2024-01-01T00:00:00+2400',
      '2024-01-01T00:00:00+0060',
      '2024-01-01Z',
      '2024-01-01T00:00:00Z\n',
    ]) {
      expect(refused(parseDatetime(text)), text).toBe(true);
    }
    for (const text of ['', '-', '1', '1h1d', '1.5h', '+1h', '1d ', `${'9'.repeat(30)}ms`, '106751991168d']) {
      expect(refused(parseDuration(text)), text).toBe(true);
    }
  });

  it('agree with the calendar of the platform', () => {
    const day = 86_400_000;
    const at = fc.integer({ min: Date.UTC(0, 0, 1) - 1900 * 366 * day, max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(at, (millis) => {
        const text = new Date(millis).toISOString();
        if (!/^[0-9]{4}-/.test(text)) return;
        const parsed = parseDatetime(text);
        expect(parsed).toMatchObject({ value: BigInt(millis) });
        if (typeof parsed === 'string') return;
        expect(parseDatetime(text.slice(0, 10))).toEqual(toDate(parsed));
        expect(toTime(parsed).value).toBe(BigInt(((millis % day) + day) % day));
      }),
      { numRuns: 2000 },
    );
  });

  it('reach both ends of 64 bits', () => {
    expect(parseDuration('-9223372036854775808ms')).toMatchObject({ value: -(2n ** 63n) });
    expect(parseDuration('9223372036854775808ms')).toMatch(/64 bits/);
    expect(parseDatetime('0000-01-01T00:00:00+2359')).toMatchObject({ value: -62167305540000n });
  });
});
