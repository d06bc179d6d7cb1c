import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

// The tutorial and the how-to guides cannot lie: every bash block of a page runs, all in one shell and in order, and what
// a block prints must be what the `text` block after it says.

const ROOT = resolve(import.meta.dirname, '..');
const FOLDERS = ['docs/tutorial', 'docs/how-to'];
const PAGES = FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`));

interface Step {
  readonly commands: string;
  /** null where the page does not show what comes out. In it, `…` stands for any text, on a line of its own for any lines. */
  readonly expected: string | null;
}

function stepsOf(markdown: string): readonly Step[] {
  const steps: Step[] = [];
  for (const [, language, content = ''] of markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    if (language === 'bash') steps.push({ commands: content, expected: null });
    const last = steps.at(-1);
    if (language === 'text' && last?.expected === null)
      steps.splice(-1, 1, { ...last, expected: content.trim() });
  }
  return steps;
}

/** Marks the beginning of each step's output; no text of ours holds a record separator. */
const MARK = '\u001e';

function scriptFor(steps: readonly Step[]): string {
  const marked = steps.map(({ commands }) => `printf '\\036'\n${commands}`);
  return ['exec 2>&1', ...marked].join('\n');
}

interface Run {
  readonly code: number | null;
  readonly outputs: readonly string[];
}

/** Runs a page in the checkout. Whatever its servers leave running ends with it: it has a process group of its own. */
function runPage(steps: readonly Step[]): Promise<Run> {
  const shell = spawn('bash', ['-e', '-o', 'pipefail', '-c', scriptFor(steps)], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, npm_config_loglevel: 'error', NO_COLOR: '1' },
  });
  let output = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((done, failed) => {
    shell.once('error', failed);
    shell.once('exit', () => {
      try {
        process.kill(-(shell.pid as number), 'SIGKILL');
      } catch {
        // the page stopped everything that it started
      }
    });
    shell.once('close', (code) => done({ code, outputs: output.split(MARK).slice(1) }));
  });
}

function patternFor(expected: string): RegExp {
  const lines = expected.split('\n').map((line) => {
    if (line === '…') return '(?:.*\n)*?';
    return `${line.split('…').map(escapeForRegExp).join('.*')}\n`;
  });
  return new RegExp(`^${lines.join('')}$`);
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** A page begins from nothing: the folders that it writes to are named in its commands. */
function clearFolders(steps: readonly Step[]): void {
  const commands = steps.map((step) => step.commands).join('\n');
  for (const [path] of commands.matchAll(/\.pf\/[a-z]+/g))
    rmSync(join(ROOT, path), { recursive: true, force: true });
}

describe.concurrent('the commands of', () => {
  it.each(PAGES)(
    '%s run, and print what the page says',
    async (page) => {
      const steps = stepsOf(readFileSync(join(ROOT, page), 'utf8'));
      clearFolders(steps);
      const { code, outputs } = await runPage(steps);
      for (const [index, { expected }] of steps.entries()) {
        const output = outputs[index];
        if (output === undefined || expected === null) continue;
        expect(`${output.replace(/^\n+/, '').trimEnd()}\n`).toMatch(patternFor(expected));
      }
      expect({ code, steps: outputs.length, said: outputs.at(-1) }).toMatchObject({
        code: 0,
        steps: steps.length,
      });
    },
    120_000,
  );
});

describe('the pages', () => {
  it.each(PAGES)('%s write below .pf only, each to folders of its own', (page) => {
    const named = (path: string) => [
      ...new Set(readFileSync(join(ROOT, path), 'utf8').match(/\.pf\/[a-z]+/g) ?? []),
    ];
    const others = PAGES.filter((other) => other !== page).flatMap(named);
    expect(named(page)).not.toEqual([]);
    expect(named(page).filter((folder) => others.includes(folder))).toEqual([]);
  });
});
