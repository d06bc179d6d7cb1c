import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { REASON_CODES } from '@provability-fabric/policy';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function documents(folder = ROOT): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', '.git', '.pf', 'coverage'].includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return documents(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function sections(path: string): readonly string[] {
  return [...text(path).matchAll(/^## ([A-Z][A-Z0-9_]+)$/gm)].map((match) => match[1] as string).sort();
}

/** Every code in a file named errors.ts: string literals in capitals, as types or as a class's one constant. */
function errorCodes(): readonly string[] {
  const codes = new Set<string>();
  for (const area of ['packages', 'apps']) {
    for (const room of readdirSync(join(ROOT, area))) {
      const path = join(ROOT, area, room, 'src');
      for (const file of filesNamed(path, 'errors.ts')) {
        const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
        const visit = (node: ts.Node): void => {
          // `code: 'A' | 'B'`, and `readonly code = 'A'` where a class has one code only.
          const literal = ts.isLiteralTypeNode(node)
            ? node.literal
            : ts.isPropertyDeclaration(node)
              ? node.initializer
              : undefined;
          if (literal && ts.isStringLiteral(literal) && /^[A-Z][A-Z0-9_]{2,}$/.test(literal.text)) {
            codes.add(literal.text);
          }
          ts.forEachChild(node, visit);
        };
        visit(tree);
      }
    }
  }
  return [...codes].sort();
}

function filesNamed(folder: string, name: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesNamed(path, name) : entry.name === name ? [path] : [];
  });
}

describe('the documentation', () => {
  it('has a section for every reason code, and no section without a code', () => {
    expect(sections('docs/reference/reason-codes.md')).toEqual(
      [...REASON_CODES, 'EVIDENCE_UNAVAILABLE'].sort(),
    );
  });

  it('has a section for every error code, and no section without a code', () => {
    expect(sections('docs/reference/errors.md')).toEqual(errorCodes());
  });

  it('links only to files that exist', () => {
    const broken = documents().flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => resolve(dirname(path), match[1] as string))
        .filter((target) => !existsSync(target))
        .map((target) => `${relative(ROOT, path)} → ${relative(ROOT, target)}`),
    );
    expect(broken).toEqual([]);
  });

  it('numbers its decisions without a gap', () => {
    const numbers = readdirSync(join(ROOT, 'docs/adr'))
      .map((name) => Number(name.slice(0, 4)))
      .sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

describe('the commands in the README', () => {
  beforeAll(() => {
    rmSync(join(ROOT, '.pf/bundles/my-agent'), { recursive: true, force: true });
    mkdirSync(join(ROOT, '.pf'), { recursive: true });
    execFileSync('npx', ['pf', 'quickstart'], { cwd: ROOT, stdio: 'ignore' });
  }, 120_000);

  const lines = [...text('README.md').matchAll(/```bash\n([\s\S]*?)```/g)]
    .flatMap((match) => (match[1] as string).trim().split('\n'))
    .filter((line) => !line.startsWith('npm ci'));

  it.each(lines)(
    '%s',
    (line) => {
      const output = execFileSync('bash', ['-ec', line], {
        cwd: ROOT,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(output.length).toBeGreaterThan(0);
    },
    60_000,
  );
});
