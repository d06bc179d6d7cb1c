import { RE2JS } from 're2js';
import { pathPattern } from './path-pattern.ts';
import type { DenyPattern } from './settings.ts';
import type { LinedText, PatternMatch, TextScanner } from './text-scanner.ts';

/** What is wrong with a pattern of the policy; undefined for one that can be used. */
export function denyPatternProblem(pattern: string): string | undefined {
  try {
    const isEmpty = RE2JS.compile(pattern).matcher('').find();
    return isEmpty
      ? 'expected a pattern of some text, came one that matches no text at all as well'
      : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0]?.slice(0, 120) : 'unreadable';
    return `expected RE2 syntax (no look-around, no back references): ${reason}`;
  }
}

/** The policy's own patterns: RE2 takes linear time whatever an operator writes and an agent sends. */
export function denyScanner(patterns: readonly DenyPattern[]): TextScanner {
  const compiled = patterns.map(({ name, pattern, paths }) => ({
    name,
    regex: RE2JS.compile(pattern),
    places: paths?.map(pathPattern),
  }));
  const together = alternation(patterns);
  return (text, path) => {
    // Nearly all texts contain none of them, and one look tells.
    if (compiled.length === 0 || together?.test(text.text) === false) return [];
    return compiled.flatMap(({ name, regex, places }) => {
      const applies = places === undefined || (path !== null && places.some((place) => place.matches(path)));
      return applies ? findAll(name, regex, text) : [];
    });
  };
}

/** undefined where the patterns cannot stand together, as two of them name a group alike. */
function alternation(patterns: readonly DenyPattern[]): RE2JS | undefined {
  try {
    return RE2JS.compile(patterns.map(({ pattern }) => `(?:${pattern})`).join('|'));
  } catch {
    return undefined;
  }
}

function findAll(name: string, regex: RE2JS, text: LinedText): readonly PatternMatch[] {
  if (!regex.test(text.text)) return [];
  const found: PatternMatch[] = [];
  const matcher = regex.matcher(text.text);
  while (matcher.find()) found.push(text.match(name, matcher.start(), matcher.end()));
  return found;
}
