# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's configuration for the site; dev/docsite.py uses it."""

project = "vbem.rest"
author = "vbem.rest contributors"
project_copyright = "vbem.rest contributors"

extensions = ["sphinx_antsibull_ext"]
highlight_language = "YAML+Jinja"
pygments_style = "friendly"
pygments_dark_style = "native"

html_theme = "furo"
html_title = "vbem.rest"
html_static_path = ["_static"]
html_css_files = ["vbem.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6b3a", "color-brand-content": "#0b6b3a"},
    "dark_css_variables": {"color-brand-primary": "#6fd08c", "color-brand-content": "#6fd08c"},
}
# Pages of Ansible itself, and of how Sphinx would find them, are not here: what refers to them is plain text.
suppress_warnings = ["ref.ref"]
