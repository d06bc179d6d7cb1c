// The composition root, for the governor's command line

export {
  type Governance,
  type LocalGovernor,
  type LocalKillSwitch,
  type LocalPlace,
  openGovernance,
  type PolicyView,
} from './governor/local-governance.ts';
