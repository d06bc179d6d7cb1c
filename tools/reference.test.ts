import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { compileCedar } from '@provability-fabric/bundle';
import { createSecretRules } from '@provability-fabric/detect';
import { nodeCrypto } from '@provability-fabric/evidence';
import { createMetrics } from '@provability-fabric/gateway-http';
import { loadGovernorPolicy, RULE_NAMES } from '@provability-fabric/governor';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

// What the reference pages list is taken from the sources, so that neither can gain or lose an entry alone.

const ROOT = resolve(import.meta.dirname, '..');
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Whether a page names a code, event or metric as such: in backticks. */
const names = (page: string) => (name: string) => text(page).includes(`\`${name}\``);
const missingIn = (page: string, all: readonly string[]) => all.filter((name) => !names(page)(name));

function find(path: string, visit: (node: ts.Node) => void): void {
  const walk = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, walk);
  };
  walk(ts.createSourceFile(path, text(path), ts.ScriptTarget.ES2022, true));
}

/** The string literals of a type alias. */
function unionIn(path: string, alias: string): readonly string[] {
  const found: string[] = [];
  find(path, (node) => {
    if (!ts.isTypeAliasDeclaration(node) || node.name.text !== alias) return;
    const types = ts.isUnionTypeNode(node.type) ? node.type.types : [node.type];
    for (const type of types)
      if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)) found.push(type.literal.text);
  });
  if (found.length === 0) throw new Error(`expected the type ${alias} in ${path}`);
  return found;
}

/** The texts of a folder's sources that a pattern finds. */
function matchesIn(folder: string, pattern: RegExp): readonly string[] {
  const sources = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name))
    .map((name) => text(join(folder, name)));
  const found = sources.flatMap((source) => [...source.matchAll(pattern)].map(([, name]) => name as string));
  return [...new Set(found)].sort();
}

describe('every page', () => {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);

  it.each([...pages, 'README.md', 'ARCHITECTURE.md', 'SECURITY.md'])(
    '%s links only to headings that exist',
    (page) => {
      const broken = [...text(page).matchAll(/\]\(([^)\s#]*\.md)?#([^)\s]+)\)/g)].filter(
        ([, file, anchor = '']) => {
          const target = file === undefined ? page : join(dirname(page), file);
          return !anchorsOf(text(target)).includes(anchor);
        },
      );
      expect(broken.map(([link]) => link)).toEqual([]);
    },
  );
});

/** As GitHub makes them: lower case, without punctuation, a hyphen for each space. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('pf-verify.md', () => {
  it('lists every failure, and no other', () => {
    const codes = unionIn('apps/verify/src/failure.ts', 'FailureCode');
    const section = text('docs/reference/pf-verify.md').split('## Failures')[1]?.split('\n## ')[0] ?? '';
    const listed = [...section.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code as string),
    );
    expect(listed.toSorted()).toEqual(codes.toSorted());
  });
});

describe('http.md', () => {
  it('has a section or row for every route', () => {
    const routes = matchesIn('packages/gateway-http/src', /pattern: '([^']+)'/g);
    expect(routes.length).toBeGreaterThan(5);
    expect(routes.filter((route) => !text('docs/reference/http.md').includes(`${route}\``))).toEqual([]);
  });

  it('gives every error its status, and no other', () => {
    const table: string[] = [];
    find('packages/gateway-http/src/problem.ts', (node) => {
      if (!ts.isVariableDeclaration(node) || node.name.getText() !== 'STATUS') return;
      const { properties } = node.initializer as ts.ObjectLiteralExpression;
      for (const property of properties)
        if (ts.isPropertyAssignment(property))
          table.push(`${property.name.getText()} ${property.initializer.getText()}`);
    });
    const rows = [...text('docs/reference/http.md').matchAll(/^\| (\d{3}(?:, \d{3})*) \| (`[A-Z].*?) \|/gm)];
    const listed = rows.flatMap(([, statuses = '', codes = '']) => {
      const each = statuses.split(', ');
      return [...codes.matchAll(/`([A-Z_0-9]+)`/g)].map(
        ([, code], at) => `${code} ${each[at] ?? each.at(-1)}`,
      );
    });
    // A row with several statuses has one code for each, but for the last.
    expect(listed.toSorted()).toEqual(table.toSorted());
  });
});

describe('config.md', () => {
  it('lists every environment variable of the secrets service', () => {
    const settings = text('apps/fabric/src/secrets/secrets-settings.ts');
    const words = [...settings.matchAll(/'([A-Z]+_[A-Z0-9_]+)'/g)].map(([, word]) => word as string);
    const variables = words.filter((word) => word !== 'CONFIG_INVALID');
    expect(variables.length).toBeGreaterThan(25);
    expect(missingIn('docs/reference/config.md', variables)).toEqual([]);
  });
});

describe('pfctl.md', () => {
  it('lists every command about secrets', () => {
    const commands = matchesIn('apps/pfctl/src/commands', /\bsecrets\s*\.command\('([a-z-]+)'/g);
    expect(commands.length).toBeGreaterThan(12);
    const section = text('docs/reference/pfctl.md').split('## pfctl secrets')[1]?.split('\n## ')[0] ?? '';
    expect(commands.filter((command) => !section.includes(`\`${command}`))).toEqual([]);
  });
});

describe('safeai.md', () => {
  const page = 'docs/reference/safeai.md';

  it('lists every command and every option', () => {
    const sources = [
      ...['sign', 'verify', 'plan', 'apply', 'rollback', 'audit', 'sandbox', 'status', 'policy', 'mcp'],
      ...['keys', 'proposals', 'kill', 'token'],
    ];
    const folder = 'apps/safeai/src/commands';
    expect(readdirSync(join(ROOT, folder)).toSorted()).toEqual(
      sources.map((name) => `${name}.ts`).toSorted(),
    );
    const commands = matchesIn(folder, /\.command\('([a-z]+)/g);
    expect(commands.length).toBeGreaterThan(20);
    // With its arguments, or as one of several.
    const said = (name: string) => new RegExp(`\`(?:[a-z]+ )?${name}[ \`]`).test(text(page));
    expect(commands.filter((name) => !said(name))).toEqual([]);
    const options = matchesIn('apps/safeai/src', /ption\(\s*'(?:-[a-z], )?(--[a-z-]+)/g);
    expect(options.length).toBeGreaterThan(20);
    expect(options.filter((option) => !new RegExp(`\`${option}[ \`]`).test(text(page)))).toEqual([]);
  });
});

describe('the governor in config.md', () => {
  it('has a row for every variable, and the page no other', () => {
    const known = matchesIn('apps/fabric/src/governor', /^ {2}'(SAFEAI_[A-Z_]+)',$/gm);
    expect(known.length).toBeGreaterThan(15);
    const section = text('docs/reference/config.md').split('## Governor')[1]?.split('\n## ')[0] ?? '';
    const rows = [...section.matchAll(/^\| (`SAFEAI_.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(SAFEAI_[A-Z_]+)`/g)].map(([, name]) => name as string),
    );
    expect(rows.toSorted()).toEqual(known.toSorted());
  });
});

describe('governor.md', () => {
  it('shows a policy and a clause that compile', async () => {
    const block = (language: string) =>
      new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text('docs/reference/governor.md'))?.[1] ??
      '';
    const policy = await loadGovernorPolicy(
      {
        path: 'policy.yaml',
        text: block('yaml'),
        cedar: { path: 'policy.cedar', text: block('cedar') },
      },
      { crypto: nodeCrypto(), compile: compileCedar, secrets: createSecretRules() },
    );
    expect(policy).toMatchObject({ declaredVersion: 3, signatures: { required: 2 } });
    expect(policy.cedarText).toContain('migrations-need-two-people');
  });

  it('names every key of policy.yaml, every rule and every built-in pattern', () => {
    const page = 'docs/reference/governor.md';
    const keys: string[] = [];
    find('packages/governor/src/policy/read-settings.ts', (node) => {
      if (!ts.isPropertyAssignment(node) || !ts.isObjectLiteralExpression(node.initializer)) return;
      const members = node.initializer.properties.map((member) => member.name?.getText());
      if (members.includes('read') && members.includes('otherwise')) keys.push(node.name.getText());
    });
    expect(keys.length).toBeGreaterThan(30);
    expect(keys.filter((key) => !new RegExp(`\`[^\`]*\\b${key}\\b`).test(text(page)))).toEqual([]);
    const patterns = matchesIn('packages/governor/src/policy', /\{?\s*name: '([a-z]+(?:-[a-z]+)+)'/g);
    expect(patterns.length).toBeGreaterThan(12);
    expect(missingIn(page, [...RULE_NAMES, ...patterns])).toEqual([]);
  });
});

describe('pf.md', () => {
  const page = 'docs/reference/pf.md';

  it('lists every code that the relay answers with', () => {
    const relay = unionIn('packages/gateway-mcp/src/refusal.ts', 'RelayCode');
    const admission = unionIn('packages/gateway-mcp/src/admission.ts', 'AdmissionCode');
    const malformed = matchesIn('packages/gateway-mcp/src', /code: JsonErrorCode((?: \| '[A-Z_]+')+)/g)
      .join()
      .match(/[A-Z_]{3,}/g);
    expect(malformed).not.toBeNull();
    expect(missingIn(page, [...relay, ...admission, ...(malformed ?? [])])).toEqual([]);
  });

  it('lists every event of the log', () => {
    const events = [
      ...matchesIn('packages/gateway-mcp/src', /emit\('([a-z.-]+)'/g),
      ...matchesIn('apps/fabric/src', /event: '([a-z_]+)'/g),
      ...unionIn('packages/evidence/src/ports.ts', 'EvidenceEvent'),
      ...unionIn('packages/governor/src/audit/view/audit-view.ts', 'AuditViewEvent'),
      ...matchesIn('packages/gateway-http/src', /event: '([a-z_]+)'/g),
      ...matchesIn('packages/gateway-csi/src', /event: '(csi\.[a-z-]+)'/g),
      ...matchesIn('packages/storage/src/redis', /event: '(redis\.[a-z-]+)'/g),
      ...matchesIn('packages/secrets/src/rotation', /readonly type: '([a-z]+-[a-z-]+)'/g).filter(
        // Counted and not logged.
        (type) => type !== 'jobs-active',
      ),
      'request_served',
      'request_failed',
      'request_refused',
    ];
    expect(events.length).toBeGreaterThan(30);
    expect(missingIn(page, events)).toEqual([]);
  });

  it('lists every metric of ours, and no other', async () => {
    const metrics = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
    const ours = metrics.filter((name) => !/^(process|nodejs)_/.test(name));
    const listed = [...text(page).matchAll(/^\| `([a-z_]+)` \| (?:counter|gauge|histogram) /gm)].map(
      ([, name]) => name as string,
    );
    expect(listed.toSorted()).toEqual(ours.toSorted());
  });

  it('lists every option of every command', () => {
    const options = matchesIn('apps/fabric/src/commands', /(?:ption|Option)\('(--[a-z-]+)/g);
    expect(options.length).toBeGreaterThan(8);
    expect(options.filter((option) => !new RegExp(`[\`[]${option}[ \`]`).test(text(page)))).toEqual([]);
  });
});
