import { describe, expect, it } from 'vitest';
import { clientOf } from './client-address.ts';

describe('a client', () => {
  it('is its whole /64, so that it cannot have 2^64 buckets', () => {
    expect(clientOf('2001:db8:1:2:a:b:c:d')).toBe('2001:db8:1:2::/64');
    expect(clientOf('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64');
    expect(clientOf('2001:0db8:0001:0002:ffff:ffff:ffff:ffff')).toBe('2001:db8:1:2::/64');
  });

  it('is the same by IPv4 and by IPv4 written as IPv6', () => {
    expect(clientOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(clientOf('192.0.2.1')).toBe('192.0.2.1');
  });

  it('is found in every short form', () => {
    expect(clientOf('::1')).toBe('0:0:0:0::/64');
    expect(clientOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(clientOf('2001:db8::')).toBe('2001:db8:0:0::/64');
    expect(clientOf(undefined)).toBe('unknown');
  });
});
