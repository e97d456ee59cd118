/** One event, sent hundreds of times at once by a sender that did not hear us, with a kill in between: one row and one effect. */
import { Pool } from "undici";
import { expect, test } from "vitest";
import { type Crm, startCrm } from "../support/crm.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { PATH, payment, signed, yesterday } from "../support/payments.ts";
import { faultFactor } from "../support/seeded.ts";
import { settled } from "../support/verdict.ts";

const COPIES = 500;
const KILLS = faultFactor();

interface Answer {
  readonly status: number;
  readonly event: unknown;
}

/** Posts copies over 50 sockets; `onAnswer` may end it all. Copies without an answer are left out. */
async function storm(hooks: string, body: string, onAnswer: (answered: number) => void): Promise<readonly Answer[]> {
  const pool = new Pool(hooks, { connections: 50, pipelining: 1 });
  const answers: Answer[] = [];
  const one = async () => {
    const answer = await pool
      .request({ method: "POST", path: PATH, headers: signed(body), body })
      .catch(() => undefined);
    if (answer === undefined) return;
    await answer.body.dump().catch(() => undefined);
    answers.push({ status: answer.statusCode, event: answer.headers["x-hookrail-event"] });
    onAnswer(answers.length);
  };
  await Promise.all(Array.from({ length: COPIES }, one));
  await pool.destroy();
  return answers;
}

function expectOneEffect(root: string, crm: Crm): void {
  expect(query(root, "hookrail.db", "SELECT provider_id FROM events")).toEqual([{ provider_id: "evt_1" }]);
  expect(query(root, "crm.db", "SELECT params FROM effects")).toEqual([{ params: '{"payment":1}' }]);
  expect(
    crm.requests.filter(({ place, action, effect }) => place === "keyed" && action === "track" && effect).length,
  ).toBe(1);
}

test(
  "every answer names the same event; another body under its id is a recorded conflict and changes nothing",
  async () => {
    const crm = await startCrm();
    const installation = createFaultInstallation({ crm: crm.url });
    const base = yesterday();
    const body = payment(1, base);
    const answers: Answer[] = [];
    try {
      for (let round = 0; round < KILLS; round++) {
        const engine = await installation.start();
        const heard = await storm(engine.hooks, body, (answered) => {
          if (answered === COPIES / 2) engine.child.kill("SIGKILL");
        });
        answers.push(...heard);
        await engine.end("SIGKILL");
      }
      const engine = await installation.start();
      answers.push(...(await storm(engine.hooks, body, () => {})));
      const other = payment(1, base, { amount: 999_999 });
      const conflict = await fetch(`${engine.hooks}${PATH}`, { method: "POST", body: other, headers: signed(other) });
      expect([conflict.status, conflict.headers.get("x-hookrail-event")]).toEqual([200, answers[0]?.event]);
      await settled(engine);
      expect(new Set(answers.map(({ event }) => event)).size).toBe(1);
      expect(answers.filter(({ status }) => status === 202).length).toBeLessThanOrEqual(1);
      expect(answers.filter(({ status }) => status !== 202 && status !== 200)).toEqual([]);
      expect(answers.length).toBeGreaterThanOrEqual(COPIES + (KILLS * COPIES) / 2);
      expectOneEffect(installation.root, crm);
      expect(query(installation.root, "hookrail.db", "SELECT count(*) AS n FROM conflicts")).toEqual([{ n: 1 }]);
      expect(query(installation.root, "crm.db", "SELECT amount FROM account")).toEqual([{ amount: 1_001 }]);
      expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
    } finally {
      installation.remove();
      await crm.close();
    }
  },
  60_000 * (1 + KILLS),
);
