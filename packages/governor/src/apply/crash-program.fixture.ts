// Kills itself before step n of landing a change, or of recovering from one; prints how many steps there were otherwise.
import { crashRun } from './crash-scenario.fixture.ts';

const [root = '', what = '', last = '0'] = process.argv.slice(2);
let steps = 0;
await crashRun(root, { what: what === 'recover' ? 'recover' : 'land', commit: false }, () => {
  if (++steps === Number(last)) process.kill(process.pid, 'SIGKILL');
});
console.log(steps);
