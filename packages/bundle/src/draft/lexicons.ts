import { lexicon } from './words.ts';

// English words of tool names, by what they tell. Nothing here is a name or a value of anybody's data.

export const READING = lexicon(
  'get list search find read fetch show view look query describe count check lookup browse retrieve ' +
    'scan inspect summarize compare calculate compute convert validate verify preview stat tree info ' +
    'exist download load select',
);
export const SENDING = lexicon(
  'send email mail post publish share invite pay transfer wire forward reply respond tweet notify ' +
    'submit message announce broadcast push dispatch book reserve order buy purchase donate upload ' +
    'export comment sell trade',
);
export const CHANGING = lexicon(
  'create add update set change edit modify append write insert save mark archive move rename ' +
    'schedule reschedule copy assign tag upsert put patch make replace register import restore star ' +
    'label merge approve',
);
export const DESTROYING = lexicon(
  'delete remove cancel drop purge wipe erase clear destroy unsubscribe close terminate discard ' +
    'kick ban trash abort',
);
export const ADMINISTERING = lexicon(
  'grant revoke authorize enable disable deploy execute exec run eval install uninstall reboot ' +
    'restart shutdown impersonate configure',
);

/** What guards everything else. */
export const POWERS = lexicon(
  'password passphrase credential permission role secret otp mfa firewall privilege',
);
/** Whom a system knows; to destroy one of these is to administer. */
export const MEMBERS = lexicon('user member admin tenant');

/** Whoever can be reached or paid, as a parameter names them. */
export const DESTINATIONS = lexicon(
  'to cc bcc recipient addressee participant attendee invitee guest payee beneficiary iban account ' +
    'receiver destination assignee contact email mail address phone mobile number user member channel ' +
    'customer target',
);
/** Of these, the ones that say nothing by themselves: a number of what? */
export const FAINT_DESTINATIONS = lexicon('number target mail');
export const SECRETS = lexicon('password passphrase secret token pin credential otp');
export const LINKS = lexicon('url uri link href endpoint webhook website domain host');
export const PATHS = lexicon('path filepath file dir directory folder');
export const IDENTIFIERS = lexicon('id uuid guid identifier ids');
export const AMOUNTS = lexicon('amount price total sum cost fee budget');
export const COMMANDS = lexicon('command cmd script sql code expression');
/** What a parameter is named after when it holds what somebody wrote: nothing can be demanded of it. */
export const PROSE = lexicon(
  'subject body content text description title comment note summary reason message query',
);

/** Times and measures: what is chosen is not among them. */
export const WHEN = lexicon(
  'date day time start end from until month year week hour deadline duration count limit size',
);

/** Verbs that commit to something chosen: what was chosen matters as much as who gets it. */
export const COMMITTING = lexicon('book reserve order buy purchase pay transfer wire donate sell trade');

/** Written by strangers, or by whoever they please. */
export const STRANGERS = lexicon(
  'email mail message inbox chat conversation thread comment review feedback file document doc page ' +
    'web webpage site news post ticket issue transaction payment invoice event calendar appointment ' +
    'meeting note attachment feed article forum reply answer description notification alert log bug ' +
    'pull request commit repository blob tweet transcript record history content',
);
/** The account's own facts. */
export const OWN = lexicon(
  'balance iban account profile preference setting date day time timezone clock user contact member ' +
    'channel group status version configuration quota identity whoami location weather currency rate',
);
/** What the account's owner has set up. */
export const OWNERS_DOING = lexicon('current own my scheduled saved configured');
export const REACHES_OUT = lexicon(
  'web webpage internet online website url http google bing browser crawl scrape',
);
export const SENSITIVE = lexicon(
  'password credential secret salary payroll medical health diagnosis passport ssn token biometric',
);
/** After these, a name says by what or where, no longer what. */
export const PREPOSITIONS: ReadonlySet<string> = new Set(
  'by from for in with at to on of into via within per using'.split(' '),
);
