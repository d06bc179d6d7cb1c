import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Git as a person runs it in the tree, without the settings of whoever runs the tests. */
export function gitHere(root: string, ...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    env: {
      PATH: '/usr/bin:/bin',
      HOME: join(root, '.git'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Person',
      GIT_AUTHOR_EMAIL: 'person@example.test',
      GIT_COMMITTER_NAME: 'Person',
      GIT_COMMITTER_EMAIL: 'person@example.test',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trimEnd();
}

export function commitAll(root: string): string {
  gitHere(root, 'add', '-A');
  gitHere(root, 'commit', '-q', '-m', 'by a person');
  return gitHere(root, 'rev-parse', 'HEAD');
}
