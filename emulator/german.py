# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server says in German, for clients that go by words (issue 16)."""

from __future__ import annotations

import re
from functools import cache

# English with {} for what varies, and German with the same in the same order.
SENTENCES = (
    (
        "There is no backup task with id [{}] in current rest session",
        "Keine Sicherungsaufgabe mit der ID [{}] in der aktuellen REST-Sitzung",
    ),
    ("There is no logon session with id [{}]", "Es gibt keine Anmeldesitzung mit der ID [{}]"),
    ("Task [{}] is still running and cannot be deleted.", "Die Aufgabe [{}] läuft noch und kann nicht gelöscht werden."),
    ("Authentication token has expired", "Das Authentifizierungstoken ist abgelaufen"),
    ("Authentication token is missing.", "Das Authentifizierungstoken fehlt."),
    ("Authentication token is not valid.", "Das Authentifizierungstoken ist ungültig."),
    ("Authorization header is missing.", "Der Authorization-Header fehlt."),
    ("Authorization header is not valid.", "Der Authorization-Header ist ungültig."),
    ("Logon failed: access is denied.", "Anmeldung fehlgeschlagen: Zugriff verweigert."),
    (
        "Access is denied: the account has no sufficient privileges for this operation.",
        "Zugriff verweigert: Das Konto hat keine ausreichenden Berechtigungen für diesen Vorgang.",
    ),
    ("Resource not found.", "Ressource nicht gefunden."),
    ("File [{}] does not exist.", "Die Datei [{}] ist nicht vorhanden."),
    ("Page {} does not exist.", "Seite {} ist nicht vorhanden."),
    ("{} with id [{}] does not exist.", "{} mit der ID [{}] ist nicht vorhanden."),
    ("The HTTP method is not supported for this resource.", "Die HTTP-Methode wird für diese Ressource nicht unterstützt."),
    ("Action '{}' is not supported for this resource.", "Die Aktion '{}' wird für diese Ressource nicht unterstützt."),
    ("The operation is supported for backup copy jobs only.", "Der Vorgang wird nur für Sicherungskopieaufträge unterstützt."),
    ("Unsupported Media Type", "Nicht unterstützter Medientyp"),
    (
        "Object reference not set to an instance of an object.",
        "Der Objektverweis wurde nicht auf eine Objektinstanz festgelegt.",
    ),
    ("Node [root] does not exist.", "Der Knoten [root] ist nicht vorhanden."),
    ("There is an error in XML document ({}, {}).", "Fehler im XML-Dokument ({}, {})."),
    (
        "Unexpected character encountered while parsing value. Path '{}', line {}, position {}.",
        "Unerwartetes Zeichen beim Analysieren des Werts. Pfad '{}', Zeile {}, Position {}.",
    ),
    ("Could not find member '{}' on object of type '{}'.", "Der Member '{}' wurde im Objekt vom Typ '{}' nicht gefunden."),
    ("Could not convert string to {}: {}.", "Die Zeichenfolge konnte nicht in {} konvertiert werden: {}."),
    ("Requested value '{}' was not found.", "Der angeforderte Wert '{}' wurde nicht gefunden."),
    ("Query type '{}' is not supported.", "Der Abfragetyp '{}' wird nicht unterstützt."),
    ("Parameter '{}' or '{}' is required.", "Der Parameter '{}' oder '{}' ist erforderlich."),
    ("Parameter '{}' is required.", "Der Parameter '{}' ist erforderlich."),
    ("Filter expression is too complex.", "Der Filterausdruck ist zu komplex."),
    ("Filter expression is not valid at position {}.", "Der Filterausdruck ist an Position {} ungültig."),
    ("'{}' is not a valid UTC DateTime value.", "'{}' ist kein gültiger UTC-DateTime-Wert."),
    ("'{}' is not a valid value for {}.", "'{}' ist kein gültiger Wert für {}."),
    (
        "Value '{}' of parameter {} must be a number greater than 0.",
        "Der Wert '{}' des Parameters {} muss eine Zahl größer als 0 sein.",
    ),
    (
        "Property '{}' is not supported in a filter for {}.",
        "Die Eigenschaft '{}' wird in einem Filter für {} nicht unterstützt.",
    ),
    ("Property '{}' is not supported in sorting for {}.", "Die Eigenschaft '{}' wird beim Sortieren von {} nicht unterstützt."),
    ("Filtering is not supported for resource type {}.", "Das Filtern wird für den Ressourcentyp {} nicht unterstützt."),
    ("Sorting is not supported for resource type {}.", "Das Sortieren wird für den Ressourcentyp {} nicht unterstützt."),
    ("The service is unavailable.", "Der Dienst ist nicht verfügbar."),
    ("Too many requests.", "Zu viele Anforderungen."),
    ('Job Session "{}" triggered to stop.', 'Das Beenden der Auftragssitzung "{}" wurde ausgelöst.'),
    ('Job Session "{}" is not running.', 'Die Auftragssitzung "{}" läuft nicht.'),
    ('Job "{}" triggered to start.', 'Der Start des Auftrags "{}" wurde ausgelöst.'),
    ('Job "{}" triggered to stop.', 'Das Beenden des Auftrags "{}" wurde ausgelöst.'),
    ('Job "{}" triggered to retry.', 'Die Wiederholung des Auftrags "{}" wurde ausgelöst.'),
    ('Job "{}" is already running.', 'Der Auftrag "{}" läuft bereits.'),
    ('Job "{}" is not running.', 'Der Auftrag "{}" läuft nicht.'),
    ('Job "{}" has nothing to retry.', 'Der Auftrag "{}" hat nichts zu wiederholen.'),
    (
        'Unable to delete job "{}": the job is currently running.',
        'Der Auftrag "{}" kann nicht gelöscht werden: Der Auftrag wird gerade ausgeführt.',
    ),
    ("Job name cannot be longer than {} characters.", "Der Auftragsname darf nicht länger als {} Zeichen sein."),
    (
        "Backup repository [{}] was not found on the backup server.",
        "Das Sicherungsrepository [{}] wurde auf dem Server nicht gefunden.",
    ),
    ("Backup repository [{}] was not found.", "Das Sicherungsrepository [{}] wurde nicht gefunden."),
    ("Hierarchy root of [{}] was not found.", "Der Hierarchiestamm von [{}] wurde nicht gefunden."),
    ("Hierarchy root [{}] was not found.", "Der Hierarchiestamm [{}] wurde nicht gefunden."),
    ("Hierarchy object [{}] was not found.", "Das Hierarchieobjekt [{}] wurde nicht gefunden."),
    ("Hierarchy object was not found.", "Das Hierarchieobjekt wurde nicht gefunden."),
    ("Object [{}] was not found.", "Das Objekt [{}] wurde nicht gefunden."),
    ("VM [{}] was not found.", "Die VM [{}] wurde nicht gefunden."),
    ("Role [{}] was not found.", "Die Rolle [{}] wurde nicht gefunden."),
    ('Object "{}" is already in the job.', 'Das Objekt "{}" ist bereits im Auftrag enthalten.'),
    (
        "Unable to remove the object: there is only one object in the job.",
        "Das Objekt kann nicht entfernt werden: Der Auftrag enthält nur ein Objekt.",
    ),
    (
        'Quick backup cannot be performed: VM "{}" is not in any backup job.',
        'Die Schnellsicherung kann nicht ausgeführt werden: Die VM "{}" ist in keinem Sicherungsauftrag.',
    ),
    (
        'Quick backup cannot be performed: VM "{}" has no full backup.',
        'Die Schnellsicherung kann nicht ausgeführt werden: Die VM "{}" hat keine Vollsicherung.',
    ),
    ("The machine has no full backup.", "Der Computer hat keine Vollsicherung."),
    ("VeeamZIP is supported for VMware vSphere VMs only.", "VeeamZIP wird nur für VMware vSphere-VMs unterstützt."),
    (
        "Quick rollback cannot be used if the original VM is kept.",
        "Das schnelle Rollback kann nicht verwendet werden, wenn die ursprüngliche VM beibehalten wird.",
    ),
    ("Restore operations started successfully.", "Die Wiederherstellung wurde erfolgreich gestartet."),
    (
        "Data collection started. To view results, go to Sessions.",
        "Die Datensammlung wurde gestartet. Die Ergebnisse finden Sie unter Sitzungen.",
    ),
    ('Tenant with name "{}" already exists.', 'Ein Mandant mit dem Namen "{}" ist bereits vorhanden.'),
    ("IP address is not valid.", "Die IP-Adresse ist ungültig."),
    ("IP address range is not valid.", "Der IP-Adressbereich ist ungültig."),
    ("Operation was canceled by user.", "Der Vorgang wurde vom Benutzer abgebrochen."),
    ("Failed to process the machine.", "Der Computer konnte nicht verarbeitet werden."),
    (
        "Failed to restore the machine: the datastore is full.",
        "Der Computer konnte nicht wiederhergestellt werden: Der Datenspeicher ist voll.",
    ),
)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile("(.*?)".join(re.escape(part) for part in english.split("{}")), re.DOTALL), german)
        for english, german in SENTENCES
    ]


def in_german(text: str) -> str:
    """Return a sentence of the server in German; one that is not its own stays."""
    for pattern, german in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            return german.format(*match.groups())
    return text


def say(text: str, language: str) -> str:
    """Return a sentence in the server's language."""
    return in_german(text) if language == "de" else text
