import type { SecretRules } from '@provability-fabric/detect';
import { dangerousScanner } from './dangerous-patterns.ts';
import { denyScanner } from './deny-patterns.ts';
import { type PathPattern, pathPattern } from './path-pattern.ts';
import type { PlanInput } from './plan.ts';
import { type Rule, type RuleFinding, shownPath } from './rule.ts';
import { addedPatterns, searchedChanges, searchedTexts } from './searched-text.ts';
import type { PolicySettings } from './settings.ts';
import { addedMatches, LinedText, type TextScanner } from './text-scanner.ts';

/** Finds secrets by their form; `createSecretRules` of the detect package is one. */
export type SecretScan = SecretRules;

const RESTORED: RuleFinding = {
  verdict: 'not-applicable',
  detail: 'a rollback brings back what was in the tree before, whatever it holds',
};

/** What a change may not bring in. */
export function contentRules(settings: PolicySettings, secrets: SecretScan): readonly Rule[] {
  const fixtures = settings.secret_fixtures.map(pathPattern);
  return [
    patternRule('deny_patterns', denyScanner(settings.deny_patterns), 'the pattern is denied by policy.yaml'),
    patternRule(
      'dangerous_patterns',
      dangerousScanner(settings.allow_patterns),
      '`allow_patterns` lists what may be',
    ),
    {
      name: 'secrets',
      check: (input) => (input.purpose === 'rollback' ? RESTORED : checkSecrets(input, secrets, fixtures)),
    },
  ];
}

function patternRule(name: string, scanner: TextScanner, mend: string): Rule {
  return {
    name,
    check: ({ purpose, changes, manifest }) => {
      if (purpose === 'rollback') return RESTORED;
      const found = new Map<string, Set<string>>();
      for (const { path, before, after } of searchedChanges(changes)) {
        const added = addedPatterns(before, after ?? '', (text) => scanner(text, path));
        for (const match of added) note(found, path, match.name);
      }
      for (const [index, command] of manifest.tests.entries()) {
        const matches = searchedTexts(command).flatMap((text) => scanner(text, null));
        for (const match of matches) note(found, inManifest(`tests[${index}]`), match.name);
      }
      return patternFinding(found, mend);
    },
  };
}

function note(found: Map<string, Set<string>>, place: string, name: string): void {
  found.set(place, (found.get(place) ?? new Set()).add(name));
}

/** A place in the manifest; no file is called so. */
const inManifest = (member: string): string => `//${member}`;
const isFile = (place: string): boolean => !place.startsWith('//');
const shownPlace = (place: string): string => shownPath(isFile(place) ? place : place.slice(2));

function patternFinding(found: ReadonlyMap<string, ReadonlySet<string>>, mend: string): RuleFinding {
  if (found.size === 0)
    return { verdict: 'passed', detail: 'nothing of the kind is added, nor in a test command' };
  const named = [...found].map(([place, names]) => `${shownPlace(place)}: ${[...names].join(', ')}`);
  const more = named.length > 5 ? `; and ${named.length - 5} more` : '';
  return {
    verdict: 'blocked',
    detail: `${named.slice(0, 5).join('; ')}${more}; ${mend}`,
    paths: [...found.keys()].filter(isFile),
    patterns: [...new Set([...found.values()].flatMap((names) => [...names]))],
  };
}

async function checkSecrets(
  { changes, manifest }: PlanInput,
  secrets: SecretScan,
  fixtures: readonly PathPattern[],
): Promise<RuleFinding> {
  const searched = searchedChanges(changes).filter(
    ({ path }) => !fixtures.some((place) => place.matches(path)),
  );
  const texts = searched.map(({ path, after }) => ({ path, text: after ?? '' }));
  const commands = manifest.tests.map((text, index) => ({ path: inManifest(`tests[${index}]`), text }));
  const found = await secrets.scan([
    ...texts,
    ...commands,
    { path: inManifest('rationale'), text: manifest.rationale },
  ]);
  if (found.length === 0) return { verdict: 'passed', detail: 'nothing that is added looks like a secret' };

  const places = new Set(found.map(({ path }) => path));
  const earlier = searched.filter(({ path, before }) => before !== null && places.has(path));
  const known = await secrets.scan(earlier.map(({ path, before }) => ({ path, text: before ?? '' })));
  const matchesOf = (all: typeof found, path: string) =>
    all
      .filter((finding) => finding.path === path)
      .map(({ rule, line, lastLine }) => ({ rule, first: line - 1, last: lastLine - 1, line }));
  const blocked: string[] = [];
  const names = new Set<string>();
  const paths = new Set<string>();
  let older = 0;
  for (const path of places) {
    const change = searched.find((candidate) => candidate.path === path);
    const matches = matchesOf(found, path);
    const added =
      change === undefined
        ? matches
        : addedMatches(
            { text: new LinedText(change.after ?? ''), matches },
            () => ({ text: new LinedText(change.before ?? ''), matches: matchesOf(known, path) }),
            ({ rule }) => rule,
          );
    older += matches.length - added.length;
    for (const { rule, line } of added) {
      blocked.push(`${shownPlace(path)} line ${line}: ${rule}`);
      names.add(rule);
      if (change !== undefined) paths.add(path);
    }
  }
  const aside = older === 0 ? '' : `; ${older} that were there before are left aside`;
  if (blocked.length === 0)
    return { verdict: 'passed', detail: `nothing that is added looks like a secret${aside}` };
  const more = blocked.length > 5 ? `; and ${blocked.length - 5} more` : '';
  const mend = 'take it from a secret store when the program runs, or list a fixture in `secret_fixtures`';
  return {
    verdict: 'blocked',
    detail: `${blocked.slice(0, 5).join('; ')}${more}${aside}; ${mend}`,
    paths: [...paths],
    patterns: [...names],
  };
}
