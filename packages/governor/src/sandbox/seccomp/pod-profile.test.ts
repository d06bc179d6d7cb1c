import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { NO_SANDBOX } from '../sandbox.fixture.ts';
import { answer, assemble, ifEqual, loadWord, NUMBER_OFFSET } from './assembler.ts';
import { architectureOf } from './filter.ts';
import { ALLOWED_CALLS, CONDITIONAL_CALLS, callNumbers, DENIED_CALLS } from './system-calls.ts';

interface Rule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly unknown[];
}

const profile = JSON.parse(
  readFileSync(new URL('../../../../../kubernetes/governor/seccomp-profile.json', import.meta.url), 'utf8'),
) as {
  defaultAction: string;
  defaultErrnoRet: number;
  architectures: readonly string[];
  syscalls: readonly Rule[];
};

const architecture = architectureOf(process.arch) ?? 'x86_64';
const tables = [...Object.values(ALLOWED_CALLS), ...Object.values(DENIED_CALLS), CONDITIONAL_CALLS];
const named = (action: string) =>
  profile.syscalls.filter((rule) => rule.action === action).flatMap((rule) => rule.names);

it("the pod's profile allows what the sandbox allows, what bubblewrap needs to set it up, and nothing else", () => {
  const both = (table: string) => [
    ...callNumbers(table, 'x86_64').keys(),
    ...callNumbers(table, 'aarch64').keys(),
  ];
  const setup = ['mount', 'pivot_root', 'sethostname', 'setns', 'umount2', 'unshare'];
  const conditional = ['clone', 'ioctl', 'personality', 'socket'];
  const allowed = new Set([...Object.values(ALLOWED_CALLS).flatMap(both), ...setup, ...conditional]);
  expect(new Set(named('SCMP_ACT_ALLOW'))).toEqual(allowed);
  const refused = Object.values(DENIED_CALLS).flatMap(both);
  expect(new Set(named('SCMP_ACT_ERRNO'))).toEqual(
    new Set([...refused.filter((name) => !setup.includes(name)), 'clone3']),
  );
  expect([profile.defaultAction, profile.defaultErrnoRet]).toEqual(['SCMP_ACT_ERRNO', 38]);
  expect(profile.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64']);
});

it.skipIf(NO_SANDBOX !== undefined)(
  `under it bubblewrap makes its namespaces, and mounts in them (${NO_SANDBOX ?? 'real bubblewrap'})`,
  async () => {
    const numbers = new Map(tables.flatMap((table) => [...callNumbers(table, architecture)]));
    const allowed = named('SCMP_ACT_ALLOW').flatMap((name) => numbers.get(name) ?? []);
    // The same names as the container runtime would load; the few conditions on arguments do not concern bubblewrap.
    const filter = assemble([
      loadWord(NUMBER_OFFSET),
      ...allowed.flatMap((number) => [ifEqual(number, 0, 1), answer(0x7fff0000)]),
      answer(0x00050000 | profile.defaultErrnoRet),
    ]);
    // A pod with `procMount: Unmasked`: a new /proc may be mounted only where the present one is whole.
    const outer = ['--unshare-user', '--dev-bind', '/', '/', '--seccomp', '3'];
    const inner = [
      '--unshare-all',
      '--unshare-user',
      '--disable-userns',
      '--ro-bind',
      '/',
      '/',
      '--proc',
      '/proc',
    ];
    const child = spawn(
      'bwrap',
      [...outer, 'bwrap', ...inner, '--tmpfs', '/tmp', 'grep', 'Seccomp_filters', '/proc/self/status'],
      {
        stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      },
    );
    (child.stdio[3] as Writable).end(filter);
    let stdout = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(stdout.trim()).toBe('Seccomp_filters:\t1');
  },
);
