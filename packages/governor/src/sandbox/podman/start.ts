import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { GovernorError } from '../../errors.ts';
import {
  type ConfinedEnd,
  type ConfinedProcess,
  exitCode,
  type Launcher,
  spawnLauncher,
  type TellOutput,
} from '../confined-process.ts';

export interface PodmanStart {
  readonly launcher: Omit<Launcher, 'pipes'>;
  /** Arguments of podman that kill the container. */
  readonly killer: readonly string[];
  readonly gate: string;
  readonly pidFile: string;
  /** Podman writes into it who waits for the container's end, and then clears up after it. */
  readonly monitorFile: string;
  /** Of groups that the container's first process is put into while it waits at the gate. */
  readonly entrances: readonly string[];
}

const LOOK_EVERY_MS = 4;
const KILL_EVERY_MS = 100;
const ENDED_WITHIN_MS = 15_000;

/** One container with one command. */
export function startPodman(start: PodmanStart, onOutput: TellOutput): ConfinedProcess {
  const child = spawnLauncher({ ...start.launcher, pipes: 0 }, onOutput);
  let begun = false;
  let over = false;
  let killing = false;
  let killed: Promise<void> | undefined;
  let failure: Error | undefined;
  let looking: NodeJS.Timeout | undefined;
  let abandon: (why: Error) => void = () => {};
  const kill = () => {
    if (killing || over) return;
    killing = true;
    clearTimeout(looking);
    // Podman holds on to a container that cannot be ended: whoever called is told, and the group still kills what is in it.
    setTimeout(() => {
      const message = 'a container could not be ended: its processes stay';
      abandon(new GovernorError('SANDBOX_UNAVAILABLE', message));
    }, ENDED_WITHIN_MS).unref();
    killed = killUntil(start, () => over);
  };
  const look = () => {
    try {
      begun = openGate(start);
    } catch (error) {
      failure = error as Error;
      kill();
    }
    if (!begun && !over && !killing) looking = setTimeout(look, LOOK_EVERY_MS);
  };
  look();
  const ended = new Promise<ConfinedEnd>((resolve, reject) => {
    const end = (settle: () => void) => {
      over = true;
      clearTimeout(looking);
      settle();
    };
    abandon = (why) => end(() => reject(why));
    child.once('error', abandon);
    child.once('close', (code, signal) =>
      end(() => {
        const result = { begun, rc: exitCode(code, signal) };
        Promise.all([killed, monitorEnded(start.monitorFile)]).then(
          () => (failure === undefined ? resolve(result) : reject(failure)),
          reject,
        );
      }),
    );
  });
  return { ended, kill };
}

/** False while nobody waits at it. The container's root is read-only and nothing untrusted has run in it. */
function openGate({ gate, pidFile, entrances }: PodmanStart): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(gate, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return false;
    throw error;
  }
  try {
    const pid = readFileSync(pidFile, 'utf8').trim();
    if (!/^[1-9]\d*$/.test(pid)) throw new Error('the pid of a container was expected in the file for it');
    for (const entrance of entrances) writeFileSync(entrance, pid);
    writeSync(descriptor, 'go\n');
  } finally {
    closeSync(descriptor);
  }
  return true;
}

/** It is no child of the governor's, and goes on writing where the run's folder is about to be removed. */
async function monitorEnded(monitorFile: string): Promise<void> {
  const pid = await readFile(monitorFile, 'utf8').catch(() => '');
  if (!/^[1-9]\d*$/.test(pid.trim())) return;
  for (let waited = 0; waited < ENDED_WITHIN_MS; waited += LOOK_EVERY_MS) {
    const stat = await readFile(`/proc/${pid.trim()}/stat`, 'utf8').catch(() => '');
    // Gone, or a zombie until whoever reaps gets to it.
    if (!/^\d+ \(conmon\) [^ZX]/.test(stat)) return;
    await pause(LOOK_EVERY_MS);
  }
}

/** A container that is being made cannot be killed yet, so this goes on until its end. */
async function killUntil({ launcher, killer }: PodmanStart, isOver: () => boolean): Promise<void> {
  const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...launcher.environment };
  while (!isOver()) {
    await new Promise<void>((resolve) => {
      execFile(launcher.program, killer, { env: environment, cwd: '/', timeout: 5_000 }, () => resolve());
    });
    if (!isOver()) await pause(KILL_EVERY_MS);
  }
}
