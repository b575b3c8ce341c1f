"""The doors of the product, each tried with words that must not leave."""

import json
from uuid import uuid4

import requests

from tests.canary.planted import Planted
from tests.plugin import PASSWORD

TRANSACTIONS = "date,type,symbol,quantity,unit_price,fee,currency,note\n"


class Doors:
    """A web server at `url`, of which `owner` owns the portfolio `portfolio_id`, called public."""

    def __init__(self, url: str, planted: Planted, portfolio_id: str) -> None:
        self.url, self.planted, self.portfolio_id = url, planted, portfolio_id
        self.bearer: dict[str, str] = {}
        self.session = requests.Session()
        self.statuses: list[int] = []

    def log_in(self, tries: int) -> None:
        """With the name and password that are right, and with many that are not."""
        token = self._send("POST", "/v1/token", json={"username": "owner", "password": PASSWORD}).json()["access"]
        self.planted.cores.append(token.rpartition(".")[2].lower())
        self.bearer = {"Authorization": f"Bearer {token}"}
        self._form({"username": "owner", "password": PASSWORD})
        assert "sessionid" in self.session.cookies
        for _ in range(tries):
            self._send("POST", "/v1/token", json={"username": self.planted.name(), "password": self.planted.word()})
            self._form({"username": self.planted.forged(), "password": self.planted.word()})

    def strangers(self, tries: int) -> None:
        """Credentials, cookies, headers, hosts and addresses that are made up."""
        for _ in range(tries):
            word = self.planted.word
            self._send("GET", "/v1/packs", headers={"Authorization": f"Bearer {word()}"})
            self._send("GET", f"/v1/packs/{word()}?token={word()}", headers={"Cookie": f"sessionid={word()}"})
            self._send("GET", f"/v1/{word()}", headers={"Host": f"{word()}.example", "User-Agent": word()})
            self._send("GET", f"/{word()}/?password={word()}", headers={"Referer": f"https://{word()}/"})
            self._send("GET", f"/v1/executions/{uuid4()}?x={word()}", headers=self.bearer | {"X-Api-Key": word()})
            self._send("GET", "/v1/packs", headers={"X-Forwarded-For": word(), "traceparent": word()})
            self._send("GET", "/v1/packs", headers={"baggage": f"user={word()}", "tracestate": f"a={word()}"})

    def execute(self, tries: int) -> None:
        """Inputs that are odd, and a capability that breaks on them."""
        for _ in range(tries):
            p = self.planted
            self._execute("canary", how="stranger", note=p.name())
            self._execute("canary", how="named", note=p.amount())
            self._execute("canary", how="sql", note=p.forged())
            self._execute("canary", how="fine", note=p.name())
            self._execute(p.word())
            self._execute("portfolio_overview", **{p.forged(): p.amount()})
            self._execute("portfolio_overview", portfolio_id=p.word())
            self._send("POST", "/v1/execute", data=f'{{"pattern_id": "{p.word()}"', headers=self.bearer)

    def execute_what_is_away(self, tries: int) -> None:
        """Last: it opens the agent's breaker."""
        for _ in range(tries):
            self._execute("canary", how="away", note=self.planted.word())
            self._execute("canary", how="network", note=self.planted.word())

    def pages(self, tries: int) -> None:
        for _ in range(tries):
            p = self.planted
            self._send("GET", f"/portfolios/{p.slug()}/canary/", by=self.session)
            self._send("GET", f"/portfolios/public/{p.slug()}/", by=self.session)
            ask = {"how": "stranger", "note": p.name()}
            self._send("GET", "/portfolios/public/canary/", by=self.session, params=ask)
            self._send("GET", "/portfolios/public/portfolio_overview/", by=self.session, params={p.word(): p.amount()})

    def imports(self, tries: int) -> None:
        """Files with names and amounts, most of them wrong somewhere."""
        for number in range(tries):
            p = self.planted
            row = f"2013-01-02,{'BUY' if number % 2 else p.word()},{p.word()},{p.amount()},70.5,5,USD,{p.name()}\n"
            self._import(f"{p.word()}.csv", TRANSACTIONS + row)
            self._import("a.beancount", f'2013-01-02 * "{p.name()}" ""\n  Assets:{p.word()}  {p.amount()} USD\n')
            self._import("a.csv", f"{p.word()},{p.forged()}\n{p.amount()},{p.name()}\n")
            self._send(
                "PATCH",
                f"/v1/portfolios/{self.portfolio_id}/settings",
                json={"cost_basis": p.word(), p.word(): p.amount()},
                headers=self.bearer,
            )

    def metrics(self) -> str:
        return self._send("GET", "/metrics").text

    def _execute(self, pattern: str, **inputs: str) -> None:
        body = {"pattern_id": pattern, "portfolio_id": self.portfolio_id, "inputs": inputs}
        self._send("POST", "/v1/execute", data=json.dumps(body), headers=self.bearer)

    def _import(self, name: str, text: str) -> None:
        url = f"/v1/portfolios/{self.portfolio_id}/imports"
        self._send("POST", url, files={"file": (name, text)}, data={"preflight": "true"}, headers=self.bearer)

    def _form(self, fields: dict[str, str]) -> None:
        self.session.get(f"{self.url}/login/", timeout=30)
        self._send(
            "POST", "/login/", by=self.session, data=fields | {"csrfmiddlewaretoken": self.session.cookies["csrftoken"]}
        )

    def _send(self, method: str, path: str, *, by: requests.Session | None = None, **how: object) -> requests.Response:
        headers = {"Content-Type": "application/json"} if isinstance(how.get("data"), str) else {}
        how["headers"] = headers | how.get("headers", {})  # type: ignore[operator]
        answer = (by or requests).request(method, self.url + path, timeout=60, **how)  # type: ignore[arg-type]
        self.statuses.append(answer.status_code)
        return answer
