"""Mails each ban by SMTP, and when the jail starts and stops: an action written in Python, as a model for your own.

    action = smtp.py[host="mx.example.com:587", ssl=True, user="me", password="secret", dest="root@example.com"]

The native `sendmail*` actions do the same with whois reports and a queue; see their `smtphost`.
"""

import smtplib
import ssl as tls
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from fail2ban.server.action import ActionBase

_SECONDS = 30  # for each step of the conversation with the mail server
_YES = ("1", "on", "true", "yes")


class Action(ActionBase):
    """One letter for each piece of news; `matches` names the evidence that goes with it, or is none."""

    norestored = True

    def __init__(
        self,
        jail,
        name,
        host="localhost",
        ssl=False,
        user=None,
        password=None,
        sendername="Fail2Ban",
        sender="fail2ban",
        dest="root",
        matches=None,
    ):
        super().__init__(jail, name)
        self.host, _, self.port = host.partition(":")
        self.secure = str(ssl).lower() in _YES
        self.user, self.password = user, password
        self.sendername, self.sender, self.dest = sendername, sender, dest
        self.matches = None if str(matches).lower() in ("none", "") else matches

    def start(self):
        self._mail("started", f"The jail {self._jail.name} has been started.")

    def stop(self):
        self._mail("stopped", f"The jail {self._jail.name} has been stopped.")

    def ban(self, ticket):
        text = f"{ticket['ip']} has been banned by {self._jail.name} after {ticket['failures']} attempts."
        if self.matches:
            lines = "\n".join(f"    {line}" for line in str(ticket[self.matches]).splitlines())
            text += f"\n\nWhat the log says of it:\n\n{lines}\n"
        self._mail(f"banned {ticket['ip']}", text)

    def _mail(self, what, text):
        letter = EmailMessage()
        subject = f"[Fail2Ban] {self._jail.name}: {what}"
        letter["Subject"] = "".join(character for character in subject if character.isprintable())[:200]
        letter["From"] = Address(self.sendername, addr_spec=self.sender) if "@" in self.sender else self.sender
        letter["To"] = ", ".join(part.strip() for part in self.dest.split(","))
        letter["Date"], letter["Message-ID"] = formatdate(localtime=True), make_msgid()
        letter.set_content(text)
        with smtplib.SMTP(self.host, int(self.port or 25), timeout=_SECONDS) as server:
            if self.secure:
                server.starttls(context=tls.create_default_context())
            if self.user:
                server.login(self.user, self.password or "")
            server.send_message(letter, from_addr=self.sender)
