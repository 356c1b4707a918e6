import type { GeneratorInput } from './generator.ts';

/** One entry of a RUNBOOK: what is seen, where it comes from, what is done. */
interface Entry {
  readonly title: string;
  readonly symptom: string;
  readonly cause: string;
  readonly fix: readonly string[];
}

/** The entries that are the same for every integration; each is rehearsed as written, see `test/ops`. */
export function incidents(input: GeneratorInput): string {
  return entriesOf(input)
    .map(({ title, symptom, cause, fix }) =>
      [`### ${title}`, '', `- **Symptom**: ${symptom}`, `- **Cause**: ${cause}`, ...fixed(fix)].join('\n'),
    )
    .join('\n\n');
}

function fixed(fix: readonly string[]): readonly string[] {
  if (fix.length === 1) return [`- **Fix**: ${fix[0]}`];
  return ['- **Fix**:', ...fix.map((step, at) => `  ${at + 1}. ${step}`)];
}

function entriesOf({ integration, config }: GeneratorInput): readonly Entry[] {
  const { service, webhook } = integration;
  const command = (text: string): string => `\`npx playbook ${text}\``;
  const deadLetters: Entry = {
    title: 'Dead letters: WEBHOOK_UNDELIVERABLE',
    symptom: `${command(`webhooks dead-letters list --service ${service}`)} is not empty.`,
    cause: 'a webhook named a job that nobody knew in time. No job is harmed: jobs are polled.',
    fix: [
      `${command(`webhooks dead-letters retry ${service} <event>`)} looks for the job again; ${command(`webhooks dead-letters discard ${service} <event> --reason "…"`)} gives it up.`,
    ],
  };
  const webhookSecret: Entry = {
    title: 'Rotating the webhook secret',
    symptom: `the secret is due, or somebody may know it; with a wrong one, webhooks are answered 401 and jobs are polled.`,
    cause: `${service} signs with one secret at a time, and the receivers take every one listed.`,
    fix: [
      'List the new secret under `webhook.secrets` beside the old one and restart the receivers.',
      `Have ${service} sign with the new one.`,
      'Once no webhook is signed with the old one, take it out and restart the receivers.',
    ],
  };
  const credentials: Entry = {
    title: 'Rotating the credentials',
    symptom: 'they are due, or somebody may know them.',
    cause: `\`auth\` refers to them: a file or Vault is read anew by itself, an environment variable when the process starts.`,
    fix: [
      `Have ${service} issue new ones, put them where \`auth\` refers to, and restart the workers if that is an environment variable.`,
      'Revoke the old ones. A single 401 in between is no failure: it is repeated once with what is there by then.',
      `Retry what failed as AUTH_FAILED meanwhile: ${command(`jobs list --service ${service} --state FAILED`)}, then ${command(`jobs retry ${service}/<key>`)}.`,
    ],
  };
  return [
    ...(webhook === undefined ? [] : [deadLetters]),
    {
      title: 'Budget spent',
      symptom: `the alert BudgetSpent; jobs stay CREATED; ${command(`status ${service}`)} says the budget is spent.`,
      cause: `more jobs than planned, or one unit’s flood: ${command(`cost ${service} --by unit`)}.`,
      fix: [
        `wait for the hour or the day to turn, or raise it: ${command(`budget ${service} --hourly $100 --daily $1000 --reason "…"`)}. The backlog goes on by itself.`,
      ],
    },
    {
      title: 'Breaker open',
      symptom: `the alert BreakerOpen; ${command(`status ${service}`)} shows the breaker open; jobs wait and none fails for it.`,
      cause: `${service} is down: several requests in a row found it so.`,
      fix: [
        `${service}’s status page. One probe leaves every 10 s; when it is answered the backlog goes on by itself.`,
      ],
    },
    {
      title: 'Gate stuck',
      symptom: `the alert NobodySends, or ${command(`status ${service}`)} says that nobody holds the gate, for minutes.`,
      cause: `no worker with ${service}’s configuration runs, or its workers are frozen or cut off from Temporal.`,
      fix: [
        'Restart the workers.',
        `If that does not help, replace the gate’s workflow, which keeps what was measured and spent: ${command(`kill ${service} --force --reason "…"`)}, then ${command(`restore ${service} --reason "…"`)}.`,
      ],
    },
    {
      title: 'Kill and restore',
      symptom: 'every further request does harm.',
      cause: `an incident at ${service} or of ours.`,
      fix: [
        `${command(`kill ${service} --reason "…"`)}: nothing leaves any more, jobs wait${webhook === undefined ? '' : ', webhooks are taken'}. When it is over: ${command(`restore ${service} --reason "…"`)}. To send new jobs elsewhere instead: ${command(`disable ${service} --reason "…"`)}.`,
      ],
    },
    {
      title: 'Roll back traffic',
      symptom: 'what the latest rollout brought over does worse than what was there before.',
      cause: 'a version or a setting that the watchers of [rollout.yaml](rollout.yaml) do not see.',
      fix: [
        `${command(`rollout start ${service} --rollback --reason "…"`)}: what held before the latest rollout holds again. One that is under way: ${command(`rollout abort ${service} --reason "…"`)}.`,
      ],
    },
    ...(webhook === undefined ? [] : [webhookSecret]),
    ...(config.auth.type === 'none' ? [] : [credentials]),
    {
      title: 'Temporal down',
      symptom:
        'the alert TemporalDown; callers get TEMPORAL_UNREACHABLE, webhook senders 503; workers and receivers are not ready (`/readyz` 503).',
      cause: 'Temporal, its database or the way there is down. Nothing is sent and nothing is lost.',
      fix: [
        'Bring Temporal back. Nothing of Playbook has to be restarted.',
        `${command(`status ${service}`)} until the gate has a holder and nothing needs attention.`,
      ],
    },
    {
      title: 'Bad deploy',
      symptom: 'the alert CrashLoop, NobodySends or NoData; jobs wait.',
      cause: 'what was deployed last crashes, or refuses its configuration.',
      fix: [
        'Stop the new workers (SIGTERM, then SIGKILL) and start the previous version. What was under way goes on with it; what had been sent is not sent again.',
        `${command(`status ${service}`)}: the gate has a holder, and the oldest job gets younger.`,
        `Retry what failed meanwhile: ${command(`jobs list --service ${service} --state FAILED`)}, then ${command(`jobs retry ${service}/<key>`)}.`,
      ],
    },
  ];
}
