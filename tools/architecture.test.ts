import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

// Re-derives the layering of ARCHITECTURE.md from manifests and sources, and explains each failure.

const ROOT = resolve(import.meta.dirname, '..');
const SCOPE = '@provability-fabric/';

/** Ring of every package; a ring imports only lower rings. */
const RINGS: Readonly<Record<string, number>> = {
  kernel: 0,
  statements: 0,
  detect: 1,
  policy: 1,
  bundle: 2,
  configuration: 2,
  enforcement: 2,
  evidence: 2,
  governor: 2,
  secrets: 2,
  'gateway-csi': 3,
  'gateway-http': 3,
  'gateway-mcp': 3,
  client: 3,
  'command-line': 3,
  storage: 3,
  fabric: 4,
  pfctl: 4,
  verify: 4,
  // Stands on the composition root of `fabric` (ADR 25).
  safeai: 5,
};
/** Within ring 0 only this: statements are written in the kernel's terms. */
const SAME_RING = new Set(['statements → kernel']);
/** What rings 0 and 1 may use from outside: parsers without I/O. */
const PURE_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  statements: ['zod'],
  policy: [],
  // Rules about texts, without I/O of their own.
  detect: ['@secretlint/secretlint-rule-preset-recommend', '@secretlint/types'],
};
const VERIFIER_MAY_USE = ['kernel', 'statements', 'policy'];
/** Clock, randomness, locale- and Unicode-version-dependent functions: replay must print the same bytes everywhere. */
const IMPURE_NAMES = new Set([
  'Date',
  'Intl',
  'performance',
  'crypto',
  'process',
  'globalThis',
  'setTimeout',
  'setInterval',
  'fetch',
  'structuredClone',
  'require',
  'Buffer',
  'eval',
  'Function',
]);
/** The only way to the platform's UTF-8 codec without ambient types. */
const EXCEPTIONS = new Set(['packages/kernel/src/bytes/utf8.ts globalThis']);
const IMPURE_METHODS = new Set([
  'random',
  'toLowerCase',
  'toUpperCase',
  'toLocaleLowerCase',
  'toLocaleUpperCase',
  'toLocaleString',
  'localeCompare',
  'normalize',
]);

interface Source {
  readonly room: string;
  readonly path: string;
  readonly tree: ts.SourceFile;
}

function rooms(): readonly { room: string; folder: string }[] {
  return ['packages', 'apps'].flatMap((area) =>
    readdirSync(join(ROOT, area)).map((room) => ({ room, folder: join(ROOT, area, room) })),
  );
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory())
      return name === 'node_modules' || name === 'dist' ? [] : filesBelow(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path) || /\/(testing|test|testkit)\//.test(path.slice(ROOT.length));
}

const sources: readonly Source[] = rooms().flatMap(({ room, folder }) =>
  filesBelow(join(folder, 'src')).map((path) => ({
    room,
    path,
    tree: ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true),
  })),
);
const production = sources.filter(({ path }) => !isTest(path));

/** Module specifiers; with `atRunTime` only those that survive compilation, since erased type imports tie no knot. */
function importsOf({ tree }: Source, atRunTime = false): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (atRunTime && isErased(node)) return;
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      found.push((node.moduleSpecifier as ts.StringLiteral).text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments;
      found.push(target && ts.isStringLiteralLike(target) ? target.text : '<computed>');
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      found.push((node.argument.literal as ts.StringLiteral).text);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function isErased(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node) || !node.importClause) return false;
  const { phaseModifier, name, namedBindings } = node.importClause;
  if (phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  if (name || !namedBindings || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every((element) => element.isTypeOnly);
}

/** What a package offers: its index, and subpaths that it names itself. */
function exportsOf(room: string): readonly string[] {
  const folder = rooms().find((known) => known.room === room)?.folder;
  return folder === undefined
    ? []
    : Object.keys(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).exports ?? {});
}

function libraryOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const here = (path: string) => relative(ROOT, path);

describe('the house', () => {
  it('has a ring for every room', () => {
    const known = new Set([...Object.keys(RINGS), 'testkit']);
    expect(
      rooms()
        .map(({ room }) => room)
        .filter((room) => !known.has(room)),
    ).toEqual([]);
  });

  it('imports only lower rings, and only through what a package exports', () => {
    const broken = production.flatMap((source) =>
      importsOf(source).flatMap((specifier) => {
        if (specifier === '<computed>') return [`${here(source.path)}: a computed import escapes this test`];
        if (!specifier.startsWith(SCOPE)) return [];
        const [target = '', ...deep] = specifier.slice(SCOPE.length).split('/');
        if (!exportsOf(target).includes(['.', ...deep].join('/'))) {
          return [`${here(source.path)} imports ${specifier}: past the exports of ${target}`];
        }
        const edge = `${source.room} → ${target}`;
        const lower = (RINGS[target] ?? 9) < (RINGS[source.room] ?? 9);
        return lower || SAME_RING.has(edge) ? [] : [`${here(source.path)}: ${edge} goes against the rings`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('declares in its manifest exactly what its production sources import', () => {
    const broken = rooms()
      .filter(({ room }) => room !== 'testkit')
      .flatMap(({ room, folder }) => {
        const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
        const declared = new Set(Object.keys(manifest.dependencies ?? {}));
        const used = new Set(
          production
            .filter((source) => source.room === room)
            .flatMap((source) => importsOf(source))
            .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
            .map(libraryOf),
        );
        const missing = [...used]
          .filter((name) => !declared.has(name))
          .map((name) => `${room} uses ${name} undeclared`);
        const inner = [...declared].filter((name) => name.startsWith(SCOPE) && !used.has(name));
        return [...missing, ...inner.map((name) => `${room} declares ${name} and does not use it`)];
      });
    expect(broken).toEqual([]);
  });

  it('keeps relative imports inside their room', () => {
    const broken = sources.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => specifier.startsWith('.'))
        .filter(
          (specifier) =>
            !resolve(source.path, '..', specifier).startsWith(join(ROOT, roomFolder(source), 'src')),
        )
        .filter(() => !isTest(source.path))
        .map((specifier) => `${here(source.path)} reaches ${specifier}`),
    );
    expect(broken).toEqual([]);
  });

  it('has no import cycle between files', () => {
    const graph = new Map(
      production.map((source) => [
        source.path,
        importsOf(source, true)
          .filter((s) => s.startsWith('.'))
          .map((s) => resolve(source.path, '..', s)),
      ]),
    );
    expect(cycleIn(graph)).toBeUndefined();
  });

  it('lets the offline verifier use the kernel, the statements and the policy and nothing else of ours, and no network', () => {
    const broken = production
      .filter(({ room }) => room === 'verify')
      .flatMap((source) => importsOf(source).map((specifier) => [here(source.path), specifier] as const))
      .filter(([, specifier]) =>
        specifier.startsWith(SCOPE)
          ? !VERIFIER_MAY_USE.includes(specifier.slice(SCOPE.length))
          : /^node:(net|http|https|http2|dgram|dns|tls|worker_threads|child_process)/.test(specifier),
      );
    expect(broken).toEqual([]);
  });

  it('reads the environment in config.ts alone', () => {
    const broken = production
      .filter(({ path }) => !path.endsWith('/config.ts'))
      .filter(({ tree }) => /\bprocess\s*\.\s*env\b|\bprocess\s*\[\s*['"]env/.test(tree.text))
      .map(({ path }) => here(path));
    expect(broken).toEqual([]);
  });
});

describe('the pure rings', () => {
  const pure = production.filter(({ room }) => room in PURE_LIBRARIES);

  it('use no builtin module and no library beyond the named ones', () => {
    const broken = pure.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith(SCOPE))
        .filter((specifier) => !(PURE_LIBRARIES[source.room] ?? []).includes(libraryOf(specifier)))
        .map((specifier) => `${here(source.path)} imports ${specifier}`),
    );
    expect(broken).toEqual([]);
  });

  it('touch no clock, randomness, locale or Unicode table', () => {
    expect(pure.flatMap(impurities)).toEqual([]);
  });

  it('are compiled without any ambient types', () => {
    for (const room of Object.keys(PURE_LIBRARIES)) {
      const config = JSON.parse(readFileSync(join(ROOT, 'packages', room, 'tsconfig.json'), 'utf8'));
      expect(config.compilerOptions.types, `packages/${room}/tsconfig.json`).toEqual([]);
      expect(config.compilerOptions.lib, `packages/${room}/tsconfig.json`).toEqual(['ES2023']);
    }
  });
});

function roomFolder({ path }: Source): string {
  return relative(ROOT, path).split('/').slice(0, 2).join('/');
}

function impurities(source: Source): readonly string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string) => {
    if (EXCEPTIONS.has(`${here(source.path)} ${what}`)) return;
    const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${here(source.path)}:${line + 1} uses ${what}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return;
    if (ts.isIdentifier(node) && IMPURE_NAMES.has(node.text) && isReference(node)) report(node, node.text);
    if (ts.isPropertyAccessExpression(node) && IMPURE_METHODS.has(node.name.text))
      report(node, `.${node.name.text}`);
    if (ts.isRegularExpressionLiteral(node) && /\\[pPsw]\{|\\p|\\P/.test(node.text)) report(node, node.text);
    if (ts.isRegularExpressionLiteral(node) && /\/[a-z]*i[a-z]*$/.test(node.text))
      report(node, `${node.text} (case folding)`);
    ts.forEachChild(node, visit);
  };
  visit(source.tree);
  return found;
}

/** A use of the global, not a property, member or declaration that happens to bear its name. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent)) &&
    parent.name === node
  )
    return false;
  if (ts.isParameter(parent) || ts.isVariableDeclaration(parent) || ts.isImportSpecifier(parent))
    return false;
  if (
    ts.isShorthandPropertyAssignment(parent) ||
    ts.isBindingElement(parent) ||
    ts.isPropertyDeclaration(parent)
  )
    return false;
  return !declaredHere(node);
}

/** `crypto` is also the name under which the pure rings take their Crypto argument. */
function declaredHere(node: ts.Identifier): boolean {
  for (let scope: ts.Node | undefined = node.parent; scope; scope = scope.parent) {
    if (
      ts.isFunctionLike(scope) &&
      scope.parameters.some((parameter) => bindsName(parameter.name, node.text))
    )
      return true;
    if (ts.isBlock(scope) || ts.isSourceFile(scope)) {
      for (const statement of scope.statements) {
        if (!ts.isVariableStatement(statement)) continue;
        if (statement.declarationList.declarations.some(({ name }) => bindsName(name, node.text)))
          return true;
      }
    }
  }
  return false;
}

function bindsName(name: ts.BindingName, text: string): boolean {
  if (ts.isIdentifier(name)) return name.text === text;
  return name.elements.some((element) => ts.isBindingElement(element) && bindsName(element.name, text));
}

function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string | undefined {
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string | undefined => {
    const at = trail.indexOf(path);
    if (at >= 0) return [...trail.slice(at), path].map(here).join(' → ');
    if (done.has(path)) return undefined;
    for (const next of graph.get(path) ?? []) {
      const cycle = walk(next, [...trail, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of graph.keys()) {
    const cycle = walk(path, []);
    if (cycle) return cycle;
  }
  return undefined;
}
