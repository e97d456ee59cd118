import { describe, expect, it } from "vitest";
import { pipelinesIn } from "../../engine/alerts/alert.ts";
import { createSteps, finding, MINUTE } from "./support.ts";

const burn = (pipeline: string, cause = "connection:crm") =>
  finding({ id: `budget_burn ${pipeline}`, cause, pipelines: [pipeline] });

describe("step", () => {
  it("makes one page with five names of an outage that makes five pipelines burn", () => {
    const steps = createSteps();
    const names = ["a", "b", "c", "d", "e"];
    steps.at(
      0,
      names.slice(0, 2).map((name) => burn(name)),
    );
    const { messages } = steps.at(
      MINUTE / 2,
      names.map((name) => burn(name)),
    );
    expect(steps.all).toEqual(["firing pager connection:crm"]);
    expect(pipelinesIn(messages[0]?.alert.members ?? [])).toEqual(names);
    for (let at = MINUTE; at < 20 * MINUTE; at += MINUTE)
      steps.at(
        at,
        names.map((name) => burn(name)),
      );
    expect(steps.all).toHaveLength(1);
  });

  it("keeps a finding with the alert it came to, though its cause is seen otherwise later", () => {
    const steps = createSteps();
    steps.at(0, [burn("a")]);
    steps.at(MINUTE, [burn("a", "pipeline:a")]);
    expect(steps.open().map(({ subject }) => subject)).toEqual(["connection:crm"]);
  });

  it("tells nobody of what is gone before the wait is over", () => {
    const steps = createSteps();
    steps.at(0, [burn("a")]);
    steps.at(MINUTE / 2, []);
    steps.at(3 * MINUTE, []);
    expect(steps.all).toEqual([]);
    expect(steps.open()).toEqual([]);
  });

  it("does not resolve while it comes and goes, and resolves once", () => {
    const steps = createSteps();
    for (let at = 0; at <= 10 * MINUTE; at += MINUTE) steps.at(at, at % (2 * MINUTE) === 0 ? [burn("a")] : []);
    expect(steps.all).toEqual(["firing pager connection:crm"]);
    steps.at(11 * MINUTE, []);
    steps.at(12 * MINUTE, []);
    steps.at(20 * MINUTE, []);
    expect(steps.all).toEqual(["firing pager connection:crm", "resolved pager connection:crm"]);
  });

  it("is told again when it gets worse, when more pipelines are hit, and after the repeat", () => {
    const steps = createSteps({ channelsFor: (_findings, severity) => [severity === "page" ? "pager" : "chat"] });
    const ticket = { ...burn("a"), severity: "alert" as const };
    steps.at(0, [ticket]);
    steps.at(MINUTE, [ticket]);
    steps.at(2 * MINUTE, [burn("a")]);
    expect(steps.all).toEqual(["firing chat connection:crm", "firing pager connection:crm"]);
    steps.at(4 * MINUTE, [burn("a"), burn("b")]);
    expect(steps.all).toHaveLength(2);
    steps.at(7 * MINUTE, [burn("a"), burn("b")]);
    expect(steps.all.at(-1)).toBe("update pager connection:crm");
    steps.at(246 * MINUTE, [burn("a"), burn("b")]);
    expect(steps.all).toHaveLength(3);
    steps.at(247 * MINUTE, [burn("a"), burn("b")]);
    expect(steps.all.at(-1)).toBe("repeat pager connection:crm");
    // All who were told of it hear of its end.
    steps.at(260 * MINUTE, []);
    expect(steps.all.slice(-2).sort()).toEqual(["resolved chat connection:crm", "resolved pager connection:crm"]);
  });

  it("tells who was woken when it is no page any more, and the others of what is left", () => {
    const steps = createSteps({ channelsFor: (_findings, severity) => [severity === "page" ? "pager" : "chat"] });
    const ticket = { ...burn("a"), id: "budget_burn a alert", severity: "alert" as const };
    for (let at = 0; at <= 5 * MINUTE; at += MINUTE) steps.at(at, at < 2 * MINUTE ? [burn("a")] : [ticket]);
    expect(steps.all).toEqual([
      "firing pager connection:crm",
      "eased pager connection:crm",
      "firing chat connection:crm",
    ]);
    // Worse again: a page again.
    steps.at(6 * MINUTE, [burn("a")]);
    expect(steps.all.at(-1)).toBe("firing pager connection:crm");
    steps.at(20 * MINUTE, []);
    expect(steps.all.slice(-2).sort()).toEqual(["resolved chat connection:crm", "resolved pager connection:crm"]);
  });

  it("tells nobody of what is silenced, keeps it, and tells of it when the silence ends", () => {
    const steps = createSteps();
    const silence = () => "deploy";
    steps.at(0, [burn("a")], { silence });
    steps.at(MINUTE, [burn("a")], { silence });
    expect(steps.all).toEqual([]);
    expect(steps.open()[0]?.silenced).toBe("deploy");
    steps.at(2 * MINUTE, [burn("a")]);
    expect(steps.all).toEqual(["firing pager connection:crm"]);
    // A silence keeps no page open.
    steps.at(5 * MINUTE, [], { silence });
    expect(steps.all.at(-1)).toBe("resolved pager connection:crm");
  });

  it("goes by the clock that there is, also when it was wrong before and is set back", () => {
    const steps = createSteps();
    const wrong = 24 * 60 * MINUTE;
    steps.at(wrong, [burn("a")]);
    steps.at(wrong + MINUTE, [burn("a")]);
    expect(steps.all).toEqual(["firing pager connection:crm"]);
    for (let at = 0; at < 6 * MINUTE; at += MINUTE) steps.at(at, [burn("a"), burn("b")]);
    expect(steps.all.slice(1)).toEqual(["update pager connection:crm"]);
    const { changed } = steps.at(9 * MINUTE, []);
    expect(steps.all.slice(2)).toEqual(["resolved pager connection:crm"]);
    expect(changed[0]?.resolvedAt).toBeGreaterThanOrEqual(changed[0]?.openedAt ?? Number.NaN);
  });

  it("goes on after a restart as if there had been none", () => {
    const steps = createSteps();
    steps.at(0, [burn("a")]);
    steps.at(MINUTE, [burn("a")]);
    const kept = JSON.parse(JSON.stringify(steps.open()));
    expect(kept).toEqual(steps.open());
    const { changed } = steps.at(2 * MINUTE, [burn("a")]);
    // Seen again: nothing that is worth a write.
    expect(changed).toEqual([]);
  });
});
