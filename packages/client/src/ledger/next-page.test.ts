import { describe, expect, it } from 'vitest';
import { nextPage } from './next-page.ts';

const base = new URL('https://ledger.example/deep');
const next = (link: string | null) => nextPage(link, base, '/receipts');

describe('the link to the next page', () => {
  it('leads nowhere else: not to another host, scheme, user or route', () => {
    for (const target of [
      'https://evil.example/deep/receipts?cursor=1',
      'http://ledger.example/deep/receipts?cursor=1',
      'https://ledger.example:444/deep/receipts',
      'https://me@ledger.example/deep/receipts',
      '//evil.example/deep/receipts',
      '/deep/capability-tokens',
      '/other/receipts?cursor=1',
      '/deep/receipts/../capability-tokens',
      'javascript:alert(1)',
      'https://[',
    ])
      expect(() => next(`<${target}>; rel="next"`), target).toThrow('stay on its route');
    expect(() => next(`<${'x'.repeat(9000)}>; rel="next"`)).toThrow('stay on its route');
  });

  it('is found among others, absolute or relative, and gives the query alone', () => {
    expect(next('<https://ledger.example/deep/receipts?cursor=a%2Bb&limit=5>; rel="next"')).toBe(
      '/receipts?cursor=a%2Bb&limit=5',
    );
    expect(next('</deep/receipts?cursor=1>; rel="prev", </deep/receipts?cursor=2>; rel=next')).toBe(
      '/receipts?cursor=2',
    );
    expect(next('</deep/receipts?cursor=3>; title="x"; rel="next last"')).toBe('/receipts?cursor=3');
    expect(next('</receipts?cursor=5>; rel="next"')).toBe('/receipts?cursor=5');
    expect(next('<?cursor=4>; rel="next"')).toBe('/receipts?cursor=4');
  });

  it('is missing at the end', () => {
    expect(next(null)).toBeNull();
    expect(next('')).toBeNull();
    expect(next('</deep/receipts?cursor=1>; rel="prev"')).toBeNull();
    expect(next('</deep/receipts?cursor=1>; rel="nextish"')).toBeNull();
  });
});
