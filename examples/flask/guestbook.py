"""A guest book that forgets everything when the app is reloaded."""

from flask import Flask, redirect, render_template, request, url_for

entries = []


def create_app():
    app = Flask(__name__)

    @app.get("/")
    def index():
        return render_template("index.html", entries=entries)

    @app.post("/")
    def sign():
        entries.append(request.form["name"])
        return redirect(url_for("index"))

    return app
